using System.Collections.Concurrent;
using System.Diagnostics.Metrics;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Connections.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Options;
using Modular.Store;

namespace Modular.Kernel;

/// <summary>
/// Limits what one address may ask of <c>/api/auth</c> (contract §4), before every other check of contract §1. Reads are
/// counted by each node for itself, attempts at secrets once for all nodes; without the database no attempt at a secret is
/// let through (503), and reads go on.
/// </summary>
public static class RateLimiting
{
    /// <summary>To be called right after <see cref="CallerExtensions.UseCaller"/>, which knows the address.</summary>
    public static IApplicationBuilder UseRateLimiting(this IApplicationBuilder app)
    {
        var services = app.ApplicationServices;
        return services.GetRequiredService<IOptions<RateLimitOptions>>().Value.Enabled
            ? app.Use(services.GetRequiredService<RateLimiter>().Invoke)
            : app;
    }

    internal static IServiceCollection AddRateLimiting(this IServiceCollection services)
    {
        services.AddOptions<RateLimitOptions>()
            .Configure<IConfiguration, IHostEnvironment>((options, from, environment) => options.Read(from, environment)).ValidateOnStart();
        services.TryAddEnumerable(ServiceDescriptor.Singleton<IValidateOptions<RateLimitOptions>, RateLimitOptionsValidation>());
        services.AddMetrics();
        services.TryAddSingleton<ExactLimit>();
        services.TryAddSingleton<RateLimiter>();
        services.TryAddSingleton(provider => new EarlyReads(
            provider.GetRequiredService<RateLimiter>(), provider.GetRequiredService<IOptions<RateLimitOptions>>(), provider.GetRequiredService<IOptions<AuthOptions>>()));
        services.AddHostedService<RateLimitSweep>();
        return services.ConfigureStore(RateLimitSchema.Name, RateLimitSchema.Configure);
    }
}

/// <summary>
/// Finds the limit of each route, once. A route's path is its pattern, so that a path with a parameter, or one that does
/// not exist, is one key and not as many as a client can think of.
/// </summary>
internal sealed class RateLimiter(ExactLimit exact, IOptions<RateLimitOptions> options, TimeProvider clock, IMeterFactory meters)
{
    private readonly ConcurrentDictionary<Endpoint, LimitedPath> paths = [];

    private readonly LocalLimit local = new(new Deadlines());

    private readonly Counter<long> refused = meters.Create("Modular.Kernel")
        .CreateCounter<long>("modular.rate_limit.refused", "{request}", "Requests that this node refused by a rate limit.");

    public Task Invoke(HttpContext context, RequestDelegate next)
    {
        if (!Surface.IsAuth(context.Request.Path) || context.GetEndpoint() is not { } endpoint)
            return next(context);
        if (!paths.TryGetValue(endpoint, out var path))
            path = paths.GetOrAdd(endpoint, Find(endpoint));
        var address = context.RequestServices.GetRequiredService<Caller>().IpAddress;
        if (path.Limit.IsExact)
            return Exactly(context, next, path, address);
        var wait = local.Count(path, address, clock.GetUtcNow());
        return wait == TimeSpan.Zero ? next(context) : Refuse(context, path, wait);
    }

    /// <summary>Counts a read; false when it is one too many.</summary>
    public bool Admits(LimitedPath path, string? address) => local.Count(path, address, clock.GetUtcNow()) == TimeSpan.Zero;

    public LimitedPath Find(string path) => new(path, RateLimit.For(path, options.Value.Rules));

    private async Task Exactly(HttpContext context, RequestDelegate next, LimitedPath path, string? address)
    {
        var wait = await exact.Count(path, address, clock.GetUtcNow());
        await (wait == TimeSpan.Zero ? next(context) : Refuse(context, path, wait));
    }

    private Task Refuse(HttpContext context, LimitedPath path, TimeSpan wait)
    {
        refused.Add(1, new KeyValuePair<string, object?>("path", path.Path));
        context.RequestServices.GetRequiredService<RefusedRequests>().Count(RefusedKind.RateLimit, context);
        return Refusal.TooManyRequests(wait).ToHttp().ExecuteAsync(context);
    }

    private LimitedPath Find(Endpoint endpoint)
    {
        var pattern = (endpoint as RouteEndpoint)?.RoutePattern.RawText ?? "";
        var path = pattern.StartsWith(Surface.Auth, StringComparison.OrdinalIgnoreCase) ? pattern[Surface.Auth.Length..] : pattern;
        return Find(path);
    }
}

/// <summary>A route's path below <c>/api/auth</c>, and what it is limited to.</summary>
internal sealed record LimitedPath(string Path, RateLimit Limit)
{
    public ulong Hash { get; } = Deadlines.Mix(0, Path);
}

/// <summary>Limits reads that a module answers before everything else (<see cref="IModule.UseFirst"/>), with the same counters.</summary>
public sealed class EarlyReads
{
    private static readonly object AddressKey = new();

    private readonly RateLimiter? limiter;
    private readonly AuthOptions auth;

    internal EarlyReads(RateLimiter limiter, IOptions<RateLimitOptions> options, IOptions<AuthOptions> auth) =>
        (this.limiter, this.auth) = (options.Value.Enabled ? limiter : null, auth.Value);

    /// <summary>The counter of one route.</summary>
    /// <param name="path">Below <c>/api/auth</c>.</param>
    public Func<HttpContext, bool> Of(string path)
    {
        if (limiter is null)
            return _ => true;
        var limited = limiter.Find(path);
        // Counted elsewhere, exactly: whoever asks too early goes the way of all requests.
        return limited.Limit.IsExact ? _ => false : context => limiter.Admits(limited, AddressOf(context));
    }

    // Written out once per connection where the connection is the client's.
    private string? AddressOf(HttpContext context)
    {
        if (auth.ForwardedFor || auth.ProxyNetworks.Count > 0)
            return CallerExtensions.AddressOf(context, auth);
        if (context.Features.Get<IConnectionItemsFeature>() is not { } connection)
            return CallerExtensions.AddressOf(context, auth);
        if (!connection.Items.TryGetValue(AddressKey, out var known))
            connection.Items[AddressKey] = known = CallerExtensions.AddressOf(context, auth);
        return (string?)known;
    }
}
