using Microsoft.Extensions.Primitives;
using Modular.Kernel;

namespace Modular.Host;

/// <summary>
/// Lets pages of <c>Auth:TrustedOrigins</c> call the API with cookies (CORS): the exact origin is named, never a wildcard.
/// For everybody else nothing changes, so an OPTIONS request stays what the wire contract says it is.
/// </summary>
internal static class CrossOrigin
{
    private const string Methods = "GET, POST, PUT, PATCH, DELETE";
    private const string RequestHeaders = "content-type, authorization, if-match, x-organization-id, x-tenant-id";
    private const string ResponseHeaders = "set-auth-token, set-auth-jwt, x-retry-after, etag, x-request-id";
    private const string TenMinutes = "600";

    public static void UseCrossOrigin(this IApplicationBuilder app)
    {
        var trusted = app.ApplicationServices.GetRequiredService<TrustedUrls>();
        var address = app.ApplicationServices.GetRequiredService<PublicAddress>();
        app.Use((context, next) =>
        {
            var origin = context.Request.Headers.Origin;
            if (origin.Count != 1 || !context.Request.Path.StartsWithSegments("/api", StringComparison.OrdinalIgnoreCase)
                || origin == address.OriginFor(context) || !trusted.IsTrustedOrigin(context, origin.ToString()))
                return next(context);
            // At the last moment, because an error clears what was set before it.
            context.Response.OnStarting(static state => Allow(((HttpContext, StringValues))state), (context, origin));
            return IsPreflight(context.Request) ? Answer(context.Response) : next(context);
        });
    }

    private static bool IsPreflight(HttpRequest request) =>
        HttpMethods.IsOptions(request.Method) && request.Headers.AccessControlRequestMethod.Count > 0;

    private static Task Answer(HttpResponse response)
    {
        response.StatusCode = StatusCodes.Status204NoContent;
        response.Headers.AccessControlAllowMethods = Methods;
        response.Headers.AccessControlAllowHeaders = RequestHeaders;
        response.Headers.AccessControlMaxAge = TenMinutes;
        return Task.CompletedTask;
    }

    private static Task Allow((HttpContext Context, StringValues Origin) state)
    {
        var headers = state.Context.Response.Headers;
        headers.AccessControlAllowOrigin = state.Origin;
        headers.AccessControlAllowCredentials = "true";
        headers.AccessControlExposeHeaders = ResponseHeaders;
        headers.Append("Vary", "Origin");
        return Task.CompletedTask;
    }
}
