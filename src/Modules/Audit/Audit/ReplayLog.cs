using System.Runtime.CompilerServices;
using MediatR;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Modular.Audit.Contracts;
using Modular.Kernel;
using Modular.Store;

namespace Modular.Audit;

/// <summary>
/// An administrator replays the log from a position or a time, as NDJSON or as server-sent events that go on with what
/// is added: <c>GET /api/audit/replay</c>.
/// </summary>
internal static class ReplayLog
{
    internal static readonly Refusal InvalidUntil = Refusal.BadRequest("invalid_until", "The end is a position or a time, such as 2026-01-31T12:00:00Z");
    internal static readonly Refusal InvalidFollow = Refusal.BadRequest("invalid_follow", "follow is true or false, and a replay that has an end follows nothing");

    internal sealed class Endpoint : ICarterModule
    {
        public void AddRoutes(IEndpointRouteBuilder app) => app
            .MapGet("/api/audit/replay", async (
                string? from, string? since, string? until, string? follow, [AsParameters] EntryFilterText filters,
                HttpContext context, IMediator mediator, CancellationToken ct) =>
            {
                var isStream = ReplayStream.IsAskedFor(context.Request);
                var resumed = isStream ? context.Request.Headers["Last-Event-ID"].ToString() : "";
                var wanted = Read(from, since, until, follow, filters, resumed, isStream);
                return wanted.Refusal is { } wrong
                    ? wrong.ToHttp()
                    : new ReplayStream(await mediator.Send(wanted.Answer, ct), isStream, isRest: resumed.Length > 0 && !wanted.Answer.Follow);
            })
            .RequireRole("admin")
            .WithName(nameof(ReplayLog))
            .Produces(StatusCodes.Status200OK, contentType: ReplayStream.Ndjson)
            .ProducesProblem(StatusCodes.Status400BadRequest);
    }

    internal sealed class Handler(EntryLog log, FeedSignal signal) : IRequestHandler<Contracts.ReplayLog, IAsyncEnumerable<LogEntry>>
    {
        private static readonly TimeSpan Soonest = TimeSpan.FromMilliseconds(20);
        private static readonly TimeSpan Latest = TimeSpan.FromSeconds(2);

        public Task<IAsyncEnumerable<LogEntry>> Handle(Contracts.ReplayLog request, CancellationToken cancellationToken) =>
            Task.FromResult(Replay(request, CancellationToken.None));

        // The hint comes when events are committed, a moment before they are entries: so look again soon, then less and less.
        private async IAsyncEnumerable<LogEntry> Replay(Contracts.ReplayLog request, [EnumeratorCancellation] CancellationToken ct)
        {
            var filter = FilterOf(request);
            var position = request.From >= 0 ? request.From : await log.Last(-request.From, filter with { To = request.To }, ct);
            for (var wait = Soonest; ; wait = TimeSpan.FromTicks(Math.Min(Latest.Ticks, wait.Ticks * 2)))
            {
                var hint = signal.Next;
                // What lies before the head is looked at once, also where it does not pass the filter.
                var head = Math.Min(await log.Head(ct), request.To ?? long.MaxValue);
                if (head > position)
                    wait = Soonest;
                await foreach (var chunk in log.From(position, filter with { To = head }, ct))
                {
                    foreach (var entry in chunk)
                        yield return new LogEntry(entry.Position, EntryJson.Of(entry));
                }

                position = Math.Max(position, head);
                if (!request.Follow)
                    yield break;
                await Task.Delay(Soonest, ct);
                await Task.WhenAny(hint, Task.Delay(wait, ct));
                ct.ThrowIfCancellationRequested();
            }
        }

        private static EntryFilter FilterOf(Contracts.ReplayLog request) => (request.Filter is { } wanted
            ? new EntryFilter
            {
                Module = wanted.Module,
                Type = wanted.Type,
                Actor = wanted.Actor,
                Subject = wanted.Subject,
                Session = wanted.Session,
                Organization = wanted.Organization,
                Ip = wanted.Ip,
                Outcome = wanted.Outcome,
                Words = wanted.Words,
            }
            : new EntryFilter()) with
        { Since = request.Since, Until = request.Until };
    }

    /// <summary>What a query string asks for. Where a stream of events was cut off wins over where it began.</summary>
    internal static Outcome<Contracts.ReplayLog> Read(
        string? from, string? since, string? until, string? follow, EntryFilterText filters, string resumed, bool isStream)
    {
        if (!EntryBounds.TryPosition(from, out var start) || !EntryBounds.TryPosition(resumed, out var last))
            return EntryBounds.InvalidCursor;
        if (!EntryBounds.TryTime(since, out var sinceTime))
            return EntryBounds.InvalidTime;
        DateTimeOffset? untilTime = null;
        if (!EntryBounds.TryPosition(until, out var end) && !EntryBounds.TryTime(until, out untilTime))
            return InvalidUntil;
        var hasEnd = end is not null || untilTime is not null;
        if (follow is not (null or "" or "true" or "false") || (follow == "true" && hasEnd))
            return InvalidFollow;
        var filter = filters.Read();
        if (filter.Refusal is { } wrong)
            return wrong;
        return new Contracts.ReplayLog(
            last + 1 ?? start ?? 0, sinceTime, untilTime, end,
            Follow: !hasEnd && (string.IsNullOrEmpty(follow) ? isStream : bool.Parse(follow)),
            filter.Answer.IsEverything ? null : filter.Answer.ToContract());
    }
}
