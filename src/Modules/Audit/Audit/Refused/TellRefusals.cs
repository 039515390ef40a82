using System.Data.Common;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Modular.Kernel;
using Modular.Store;

namespace Modular.Audit;

/// <summary>
/// Writes down, after each minute and when the server stops, what was only counted in it. A crash loses the counts of a
/// minute at most; nobody was told that they are kept.
/// </summary>
internal sealed partial class TellRefusals(
    IDocumentStore documents, RefusedRequests anonymous, AccessRefusals accounts, TimeProvider clock, ILogger<TellRefusals> log)
    : BackgroundService
{
    private const int MostUntold = 10_000;

    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(2);

    private readonly SemaphoreSlim one = new(1);

    // Taken and not told yet: the database was away.
    private readonly Queue<Untold> untold = new();

    public override async Task StopAsync(CancellationToken cancellationToken)
    {
        await base.StopAsync(cancellationToken);
        await Tell(all: true, cancellationToken);
    }

    /// <summary>Writes down what is over, or all there is; what could not be written is tried again with the next.</summary>
    public async Task Tell(bool all, CancellationToken ct)
    {
        await one.WaitAsync(ct);
        try
        {
            foreach (var gathered in Gather(all))
                untold.Enqueue(gathered);
            while (untold.Count > MostUntold)
                untold.Dequeue();
            while (untold.TryPeek(out var next))
            {
                await Write(next, ct);
                untold.Dequeue();
            }
        }
        catch (Exception failure) when (failure is DbException or TimeoutException)
        {
            NotTold(log, untold.Count, failure);
        }
        finally
        {
            one.Release();
        }
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        while (true)
        {
            await Task.Delay(Pause, clock, stoppingToken);
            await Tell(all: false, stoppingToken);
        }
    }

    // One commit for all that name nobody, and one for each session.
    private IEnumerable<Untold> Gather(bool all)
    {
        var now = clock.GetUtcNow();
        foreach (var session in accounts.Take(all).GroupBy(refused => refused.Metadata, refused => (object)refused.Event))
            yield return new Untold(AccessRefusals.StreamKey(now), session.Key, [.. session]);
        if (anonymous.Take(all) is { Count: > 0 } counts)
            yield return new Untold(AccessRefusals.StreamKey(now), new EventMetadata(), [.. counts.Select(count => EventOf(count, now))]);
    }

    internal static RequestsRefused EventOf(RefusedCount count, DateTimeOffset now) => new(
        KindOf(count.Kind), count.Network is { } network ? FormattableString.Invariant($"{network}/{count.Bits}") : null,
        count.Count, count.Minute, AccessRefusals.Milliseconds(now));

    internal static string KindOf(RefusedKind kind) => kind switch
    {
        RefusedKind.ForgedCookie => "forged_cookie",
        RefusedKind.UnknownToken => "unknown_token",
        RefusedKind.RateLimit => "rate_limit",
        RefusedKind.ForeignOrigin => "foreign_origin",
        RefusedKind.AdapterKey => "adapter_key",
        RefusedKind.ApiKey => "api_key",
        RefusedKind.VerifierKey => "verifier_key",
        RefusedKind.WebhookSignature => "webhook_signature",
        _ => "other",
    };

    // A new stream each, so that what was committed although nobody heard of it is not written again.
    private async Task Write(Untold next, CancellationToken ct)
    {
        await using var session = documents.LightweightSession(next.Metadata);
        session.Events.Append(next.Stream, expectedVersion: next.Events.Count, [.. next.Events]);
        try
        {
            await session.SaveChangesAsync(ct);
        }
        catch (ConcurrencyException) when (next.IsTried)
        {
            // It came through the first time.
        }
        finally
        {
            next.IsTried = true;
        }
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "{Counts} count(s) of refusals could not be written down yet; trying again")]
    private static partial void NotTold(ILogger log, int counts, Exception failure);

    private sealed record Untold(string Stream, EventMetadata Metadata, IReadOnlyList<object> Events)
    {
        public bool IsTried { get; set; }
    }
}
