using System.Security.Cryptography;
using Microsoft.Net.Http.Headers;

namespace Modular.Host.OpenApi;

/// <summary><c>/docs</c>: the API's reference to browse and try. It loads nothing from anywhere else.</summary>
internal static class DocsPage
{
    private const string Policy =
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; "
        + "base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

    private static readonly (string Route, string File, string ContentType)[] Parts =
    [
        ("/docs", "docs.html", "text/html; charset=utf-8"),
        ("/docs/docs.css", "docs.css", "text/css; charset=utf-8"),
        ("/docs/docs.js", "docs.js", "text/javascript; charset=utf-8"),
    ];

    public static void MapDocsPage(this IEndpointRouteBuilder app)
    {
        foreach (var (route, file, contentType) in Parts)
        {
            var content = Load(file);
            var tag = new EntityTagHeaderValue($"\"{Convert.ToHexStringLower(SHA256.HashData(content))[..16]}\"");
            app.MapGet(route, (HttpContext context) =>
            {
                context.Response.Headers.ContentSecurityPolicy = Policy;
                context.Response.Headers.CacheControl = "no-cache";
                return Results.Bytes(content, contentType, entityTag: tag);
            }).ExcludeFromDescription();
        }
    }

    private static byte[] Load(string file)
    {
        using var stream = typeof(DocsPage).Assembly.GetManifestResourceStream($"docs/{file}")!;
        using var copy = new MemoryStream();
        stream.CopyTo(copy);
        return copy.ToArray();
    }
}
