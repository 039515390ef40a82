using Microsoft.AspNetCore.Diagnostics.HealthChecks;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Modular.Messaging;
using Modular.Store;
using Npgsql;

namespace Modular.Host;

/// <summary>
/// <c>/healthz/live</c>: the process answers. <c>/healthz/ready</c>: it can serve, so a load balancer may send requests.
/// </summary>
internal static class Health
{
    public static void MapHealth(this WebApplication app)
    {
        app.MapHealthChecks("/healthz/live", new HealthCheckOptions { Predicate = _ => false, ResponseWriter = Write });
        app.MapHealthChecks("/healthz/ready", new HealthCheckOptions { ResponseWriter = Write });
    }

    // Anybody may ask: why something is not well, and where it leads, is said in the log alone (and of sinks to administrators).
    private static Task Write(HttpContext context, HealthReport report) => context.Response.WriteAsJsonAsync(new
    {
        status = report.Status.ToString().ToLowerInvariant(),
        checks = report.Entries.ToDictionary(
            entry => entry.Key,
            entry => new { status = entry.Value.Status.ToString().ToLowerInvariant() }),
    });
}

/// <summary>The database answers and accepts writes.</summary>
internal sealed class DatabaseHealth(StoreDatabase database) : IHealthCheck
{
    public async Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default)
    {
        try
        {
            await using var command = database.Pooled.CreateCommand("select pg_is_in_recovery()");
            return await command.ExecuteScalarAsync(cancellationToken) is true
                ? HealthCheckResult.Unhealthy("The database is a read-only standby.")
                : HealthCheckResult.Healthy();
        }
        catch (NpgsqlException failure)
        {
            return HealthCheckResult.Unhealthy(failure.Message);
        }
    }
}

/// <summary>No subscription of this node has stopped; one that fails for now or runs elsewhere is no reason to be unready.</summary>
internal sealed class SubscriptionHealth(IProjectionDaemon daemon) : IHealthCheck
{
    public Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default)
    {
        var problems = daemon.Statuses
            .Where(status => status.State is SubscriptionStatus.Stopped or SubscriptionStatus.Failing)
            .Select(status => $"{status.Name} is {status.State}: {status.Problem}").ToList();
        return Task.FromResult(problems.Count == 0
            ? HealthCheckResult.Healthy()
            : HealthCheckResult.Degraded(string.Join("; ", problems)));
    }
}

/// <summary>This node claims messages, and every message in the table has a handler. Neither is a reason to be unready.</summary>
internal sealed class MessagingHealth(IMessagingDaemon daemon) : IHealthCheck
{
    public Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default)
    {
        var problems = daemon.Statuses
            .Where(status => !status.Known)
            .Select(status => $"{status.Count} messages '{status.MessageType}' in {status.Queue} have no handler in this version")
            .ToList();
        if (daemon.Problem is { } problem)
            problems.Add(problem);
        return Task.FromResult(problems.Count == 0
            ? HealthCheckResult.Healthy()
            : HealthCheckResult.Degraded(string.Join("; ", problems)));
    }
}
