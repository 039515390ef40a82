using System.Threading.RateLimiting;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;
using Modular.Kernel;

namespace Modular.Audit;

/// <summary>
/// Who reads checkpoints, hash tiles and proofs: administrators, or anybody where <c>Audit:PublicLog</c> says so; then at
/// a rate per address that lets a client catch up.
/// </summary>
internal sealed class LogAccess(IOptions<AuditOptions> options, IOptions<RateLimitOptions> limits) : IDisposable
{
    private const int AtOnce = 400;
    private const int PerSecond = 100;

    private readonly PartitionedRateLimiter<string> _limiter = PartitionedRateLimiter.Create<string, string>(address =>
        RateLimitPartition.GetTokenBucketLimiter(address, _ => new TokenBucketRateLimiterOptions
        {
            TokenLimit = AtOnce,
            TokensPerPeriod = PerSecond,
            ReplenishmentPeriod = TimeSpan.FromSeconds(1),
        }));

    /// <summary>How long what never changes may be kept, and by whom.</summary>
    public string Forever => options.Value.PublicLog ? "public, max-age=31536000, immutable" : "private, max-age=31536000, immutable";

    public RouteHandlerBuilder Guard(RouteHandlerBuilder route) => options.Value.PublicLog ? Limit(route) : route.RequireRole("admin");

    /// <summary>Anybody, at that rate.</summary>
    public RouteHandlerBuilder Limit(RouteHandlerBuilder route) => route.AddEndpointFilter(async (invocation, next) =>
    {
        var address = invocation.HttpContext.RequestServices.GetRequiredService<Caller>().IpAddress ?? "";
        using var lease = _limiter.AttemptAcquire(address);
        return lease.IsAcquired || !limits.Value.Enabled ? await next(invocation) : Refusal.TooManyRequests(TimeSpan.FromSeconds(1)).ToHttp();
    });

    public void Dispose() => _limiter.Dispose();
}
