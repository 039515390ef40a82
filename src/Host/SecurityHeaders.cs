using Modular.Kernel;

namespace Modular.Host;

/// <summary>
/// What a browser is told about every answer: take the content type as it is, frame nothing, leak no address, and come
/// back over https where that is our public scheme. A page may bring a stricter policy of its own.
/// </summary>
internal static class SecurityHeaders
{
    // What holds for any page of ours; it names no source of scripts, so each page adds its own policy.
    private const string AnyPage = "frame-ancestors 'none'; base-uri 'none'; object-src 'none'; form-action 'self'";

    // A year, the least that browsers' preload lists take. Not for subdomains: they may be somebody else's.
    private const string OneYear = "max-age=31536000";

    public static void UseSecurityHeaders(this IApplicationBuilder app)
    {
        var address = app.ApplicationServices.GetRequiredService<PublicAddress>();
        app.Use((context, next) =>
        {
            // At the last moment, because an error clears what was set before it.
            context.Response.OnStarting(static state => Add(((HttpContext, PublicAddress))state), (context, address));
            return next(context);
        });
    }

    private static Task Add((HttpContext Context, PublicAddress Address) state)
    {
        var response = state.Context.Response;
        var headers = response.Headers;
        headers.XContentTypeOptions = "nosniff";
        headers.XFrameOptions = "DENY";
        // Not no-referrer: with it a browser sends "Origin: null" with forms of our own pages.
        headers["Referrer-Policy"] = "same-origin";
        if (state.Address.IsSecure)
            headers.StrictTransportSecurity = OneYear;
        var isPage = response.ContentType?.StartsWith("text/html", StringComparison.OrdinalIgnoreCase) == true;
        if (isPage && headers.ContentSecurityPolicy.Count == 0)
            headers.ContentSecurityPolicy = AnyPage;
        return Task.CompletedTask;
    }
}
