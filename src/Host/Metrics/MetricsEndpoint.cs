using System.Net;
using System.Security.Cryptography;
using System.Text;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Options;
using Modular.Store;

namespace Modular.Host.Metrics;

/// <summary>
/// <c>/metrics</c> in Prometheus' text format. They tell how busy a server is and how often guessing fails, so they are for
/// whoever has the token; without one they are there in Development alone, and for this machine alone.
/// </summary>
internal static class MetricsEndpoint
{
    public const string ContentType = "text/plain; version=0.0.4; charset=utf-8";

    private const string Scheme = "Bearer ";

    public static void AddMetricsEndpoint(this IServiceCollection services)
    {
        services.AddOptions<MetricsOptions>().Configure<IConfiguration>((options, from) => options.Read(from)).ValidateOnStart();
        services.TryAddEnumerable(ServiceDescriptor.Singleton<IValidateOptions<MetricsOptions>, MetricsOptionsValidation>());
        services.AddSingleton<MetricsCollector>();
        services.AddSingleton<RequestMetrics>();
        services.AddSingleton<ICommitWitness, SignInMetrics>();
    }

    public static void MapMetrics(this WebApplication app)
    {
        var options = app.Services.GetRequiredService<IOptions<MetricsOptions>>().Value;
        if (!options.IsOn(app.Environment))
            return;
        var collector = app.Services.GetRequiredService<MetricsCollector>();
        collector.Start();
        app.MapGet("/metrics", async (HttpContext context, CancellationToken ct) =>
        {
            if (Refuse(context, options.Token))
                return;
            var text = Encoding.UTF8.GetBytes(await collector.Scrape(ct));
            context.Response.ContentType = ContentType;
            context.Response.ContentLength = text.Length;
            context.Response.Headers.CacheControl = "no-store";
            await context.Response.Body.WriteAsync(text, ct);
        }).ExcludeFromDescription();
    }

    private static bool Refuse(HttpContext context, string? token)
    {
        if (string.IsNullOrEmpty(token))
        {
            // As if it were not there. A proxy on this machine names whom it speaks for.
            var isHere = context.Connection.RemoteIpAddress is { } address && IPAddress.IsLoopback(address) && context.Request.Headers["X-Forwarded-For"].Count == 0;
            context.Response.StatusCode = isHere ? StatusCodes.Status200OK : StatusCodes.Status404NotFound;
            return !isHere;
        }

        var given = context.Request.Headers.Authorization.ToString();
        if (given.StartsWith(Scheme, StringComparison.OrdinalIgnoreCase) && CryptographicOperations.FixedTimeEquals(Hash(given[Scheme.Length..].Trim()), Hash(token)))
            return false;
        context.Response.StatusCode = StatusCodes.Status401Unauthorized;
        context.Response.Headers.WWWAuthenticate = "Bearer";
        return true;
    }

    private static byte[] Hash(string text) => SHA256.HashData(Encoding.UTF8.GetBytes(text));
}
