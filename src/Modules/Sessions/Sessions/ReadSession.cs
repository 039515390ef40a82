using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Modular.Kernel;

namespace Modular.Sessions;

/// <summary>
/// Anybody asks who is signed in: <c>GET /get-session</c>; <c>null</c> when nobody is. Has no command: it is the check that
/// every other route makes, and the busiest route of all.
/// </summary>
internal static class ReadSession
{
    internal sealed record Request(bool DisableRefresh) : IWireInput<Request>
    {
        public static Request Read(WireBody body)
        {
            // There is no cookie cache; still its flag may not be malformed.
            body.Flag("disableCookieCache");
            return new(body.Flag("disableRefresh"));
        }
    }

    internal static readonly Refusal Deferred = Refusal.Of(
        StatusCodes.Status405MethodNotAllowed,
        "METHOD_NOT_ALLOWED_DEFER_SESSION_REQUIRED",
        "POST method requires deferSessionRefresh to be enabled in session config");

    internal sealed class Endpoint(ActiveSessions sessions, SessionJwt jwt) : ICarterModule
    {
        public void AddRoutes(IEndpointRouteBuilder app)
        {
            app.MapAuthGet("/get-session", async (Request request, HttpContext context, CancellationToken ct) =>
                {
                    NeverStore(context);
                    var live = await sessions.Check(context, !request.DisableRefresh, ct);
                    if (live is null)
                        return WireJson.Ok(null);
                    await jwt.Attach(context, live, ct);
                    return WireJson.Ok(SessionAnswer.Of(live));
                })
                .WithName(nameof(ReadSession));
            app.MapAuthPost("/get-session", new AuthPost { BodyOptional = true }, (HttpContext context) =>
                {
                    NeverStore(context);
                    return Deferred.ToHttp();
                })
                .WithName("ReadSessionDeferred");
        }
    }

    /// <summary>The body for a live session, for <see cref="SessionCheck"/> to send again and again.</summary>
    internal static byte[] AnswerOf(LiveSession live) =>
        JsonSerializer.SerializeToUtf8Bytes(SessionAnswer.Of(live), WireJson.Options);

    private static void NeverStore(HttpContext context)
    {
        context.Response.Headers.CacheControl = "no-store";
        context.Response.Headers.Pragma = "no-cache";
    }
}
