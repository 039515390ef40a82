using System.Data.Common;
using System.Security.Cryptography;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Modular.Store;

namespace Modular.Audit;

/// <summary>What stands in the way of a checkpoint; null: nothing.</summary>
internal sealed class LogStanding
{
    private TaskCompletionSource _sealed = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public string? Problem { get; set; }

    /// <summary>Completes when this node has added a page.</summary>
    public Task NextPage => Volatile.Read(ref _sealed).Task;

    public void Sealed() =>
        Interlocked.Exchange(ref _sealed, new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously)).TrySetResult();
}

/// <summary>
/// Signs a checkpoint when this node has added entries: at once, then at most one per <see cref="AuditOptions.CheckpointInterval"/>,
/// and one when the log comes to rest. Other nodes look later, in case the one that added them is gone.
/// </summary>
internal sealed partial class CheckpointLoop(
    Checkpoints checkpoints, LogStanding standing, FeedSignal signal, SealingMetrics metrics, IOptions<AuditOptions> options, ILogger<CheckpointLoop> log)
    : BackgroundService
{
    private static readonly TimeSpan Bystanders = TimeSpan.FromSeconds(30);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        while (!stoppingToken.IsCancellationRequested)
        {
            var (page, hint) = (standing.NextPage, signal.Next);
            await Make(stoppingToken);
            await Task.Delay(options.Value.CheckpointInterval, stoppingToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            await Task.WhenAny(page, Later(hint, stoppingToken));
        }
    }

    private static async Task Later(Task hint, CancellationToken ct)
    {
        await hint.WaitAsync(ct).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        await Task.Delay(Bystanders, ct).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }

    private async Task Make(CancellationToken ct)
    {
        try
        {
            await checkpoints.Current(ct);
            standing.Problem = null;
        }
        catch (LogContradictsItselfException contradiction)
        {
            standing.Problem = contradiction.Message;
            metrics.Contradicted();
            NothingSigned(log, contradiction.Message);
        }
        catch (OperationCanceledException) when (ct.IsCancellationRequested)
        {
            // The server stops.
        }
        catch (Exception failure) when (failure is DbException or TimeoutException or IOException or OperationCanceledException)
        {
            NotMade(log, failure);
        }
        // What a spoilt row makes of reading it: signing stops, the server does not.
        catch (Exception failure) when (failure is CryptographicException or FormatException or ArgumentException or InvalidOperationException
            or InvalidCastException or ArithmeticException or IndexOutOfRangeException or NullReferenceException or KeyNotFoundException)
        {
            standing.Problem = $"No checkpoint can be made: {failure.Message}";
            NothingReadable(log, failure);
        }
    }

    [LoggerMessage(Level = LogLevel.Critical, Message = "No checkpoint is signed. {Contradiction} Run 'audit verify'.")]
    private static partial void NothingSigned(ILogger log, string contradiction);

    [LoggerMessage(Level = LogLevel.Critical, Message = "No checkpoint is signed: what it is made from cannot be read. Run 'audit verify'")]
    private static partial void NothingReadable(ILogger log, Exception failure);

    [LoggerMessage(Level = LogLevel.Warning, Message = "A checkpoint of the audit log was not made; trying again with the next entries")]
    private static partial void NotMade(ILogger log, Exception failure);
}

/// <summary>The log is what was signed. Where it is not, people still have to be able to sign in: no reason to be unready.</summary>
internal sealed class LogHealth(LogStanding standing) : IHealthCheck
{
    public Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default) =>
        Task.FromResult(standing.Problem is { } problem ? HealthCheckResult.Degraded(problem) : HealthCheckResult.Healthy());
}
