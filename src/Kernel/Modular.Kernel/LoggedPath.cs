using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;

namespace Modular.Kernel;

/// <summary>
/// How a request is called in a log: by its route (<c>/api/auth/reset-password/{token}</c>), never by its address, which
/// may hold a secret in path and query (ASVS 5.0, 16.2.5).
/// </summary>
public static class LoggedPath
{
    // Links hold 32 characters and more; words of a mistyped path hardly ever that many.
    private const int LongestSegment = 15;
    private const int LongestPath = 200;

    public static string Of(HttpContext context) => context.GetEndpoint() is RouteEndpoint { RoutePattern.RawText: { Length: > 0 } route }
        ? route.StartsWith('/') ? route : $"/{route}"
        : WithoutSecrets(context.Request.Path);

    /// <summary>An address without a route may be one of ours mistyped: what could be a secret is left out.</summary>
    internal static string WithoutSecrets(PathString path)
    {
        // Percent-encoded again: a line break in it would forge a line of the log.
        var segments = path.ToUriComponent().Split('/').Select(segment => segment.Length > LongestSegment ? "…" : segment);
        var text = string.Join('/', segments);
        return text.Length > LongestPath ? $"{text[..LongestPath]}…" : text;
    }
}
