using System.Text.Encodings.Web;
using System.Text.RegularExpressions;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.Hosting;
using Modular.Kernel;

namespace Modular.Identity;

/// <summary>
/// Where a browser lands when a redirect goes wrong: <c>GET /api/auth/error</c>. A page in Development, elsewhere a
/// redirect to the application's own <c>/?error=…</c> (contract §6.17).
/// </summary>
internal static partial class ShowError
{
    private const string Page = """
        <!DOCTYPE html>
        <html lang="en">
        <head>
        <meta charset="utf-8">
        <meta name="viewport" content="width=device-width, initial-scale=1">
        <title>Error</title>
        <style>
        body { font-family: system-ui, sans-serif; display: grid; place-content: center; min-height: 100vh; margin: 0; }
        main { max-width: 32rem; padding: 2rem; }
        code { font-size: 1.25rem; overflow-wrap: anywhere; }
        </style>
        </head>
        <body>
        <main>
        <h1>Something went wrong</h1>
        <p><code>{code}</code></p>
        <p>{description}</p>
        <p><a href="/">Back to the start</a></p>
        </main>
        </body>
        </html>
        """;

    internal sealed class Endpoint(IHostEnvironment environment) : ICarterModule
    {
        public void AddRoutes(IEndpointRouteBuilder app) => app
            .MapAuthGet("/error", (HttpContext context) =>
            {
                var query = context.Request.Query;
                var (code, description) = (Code(query["error"]), query["error_description"].FirstOrDefault());
                if (!environment.IsDevelopment())
                    return WireJson.Redirect(Target(code, description));

                // Nothing in the page runs; the text in it is a stranger's.
                context.Response.Headers.ContentSecurityPolicy = "default-src 'none'; style-src 'unsafe-inline'";
                return TypedResults.Text(Html(code, description), "text/html; charset=utf-8");
            })
            .ExcludeFromDescription();
    }

    /// <summary>A code that could be markup is none.</summary>
    internal static string Code(string? given) => given is not null && Known().IsMatch(given) ? given : "UNKNOWN";

    internal static string Html(string code, string? description) => Page
        .Replace("{code}", HtmlEncoder.Default.Encode(code), StringComparison.Ordinal)
        .Replace("{description}", HtmlEncoder.Default.Encode(description ?? ""), StringComparison.Ordinal);

    internal static string Target(string code, string? description) =>
        $"/?error={Encode(code)}{(string.IsNullOrEmpty(description) ? "" : $"&error_description={Encode(description)}")}";

    // As URLSearchParams writes it.
    private static string Encode(string text) => Uri.EscapeDataString(text)
        .Replace("%20", "+", StringComparison.Ordinal)
        .Replace("%2A", "*", StringComparison.Ordinal)
        .Replace("~", "%7E", StringComparison.Ordinal);

    [GeneratedRegex(@"^['A-Za-z0-9_-]+\z", RegexOptions.CultureInvariant)]
    private static partial Regex Known();
}
