using Microsoft.AspNetCore.Http;

namespace Modular.Kernel;

/// <summary>Which headers of a response a page of another origin may read.</summary>
public static class ExposedHeaders
{
    public static void Add(HttpContext context, string name)
    {
        var headers = context.Response.Headers;
        var others = Others(context, name);
        headers.AccessControlExposeHeaders = others.Length == 0 ? name : $"{others}, {name}";
    }

    public static void Remove(HttpContext context, string name)
    {
        var others = Others(context, name);
        context.Response.Headers.AccessControlExposeHeaders = others.Length == 0 ? default : others;
    }

    private static string Others(HttpContext context, string name) => string.Join(
        ", ",
        context.Response.Headers.AccessControlExposeHeaders.ToString().Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries)
            .Where(other => !other.Equals(name, StringComparison.OrdinalIgnoreCase)));
}
