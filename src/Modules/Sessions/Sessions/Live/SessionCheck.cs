using System.Buffers;
using System.Text;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Primitives;
using Modular.Kernel;

namespace Modular.Sessions;

/// <summary>
/// The busiest route there is, <c>GET /get-session</c>, where nothing but a look is needed for the answer: at the cookie, at
/// what this node knows, else at the database. Everything else goes the way of all requests, to <see cref="ReadSession"/>:
/// a refresh, a fault. From memory it allocates nothing but what the web server does.
/// </summary>
internal sealed class SessionCheck(
    LiveSessions sessions, ActiveSessions rows, SessionCookies cookies, SessionJwt jwt, PublicAddress address, EarlyReads reads, RefusedRequests refused, TimeProvider clock)
{
    private const string Path = "/api/auth/get-session";

    private static readonly byte[] Nobody = "null"u8.ToArray();
    private static readonly StringValues JsonType = "application/json";
    private static readonly StringValues NoStore = "no-store";
    private static readonly StringValues NoCache = "no-cache";
    private static readonly StringValues NoSniff = "nosniff";
    private static readonly StringValues Deny = "DENY";
    private static readonly StringValues SameOrigin = "same-origin";
    private static readonly StringValues OneYear = "max-age=31536000";

    private readonly Func<HttpContext, bool> isAllowed = reads.Of("/get-session");

    public Task Answer(HttpContext context, RequestDelegate next)
    {
        if (!IsPlain(context.Request))
            return next(context);
        var headers = context.Request.Headers.Cookie;
        var cookie = cookies.FindToken(headers);
        if (sessions.Recognize(cookie) is { } known)
            return AnswerFromMemory(context, known, next);

        Span<byte> token = stackalloc byte[SignedCookies.LongestValue];
        switch (cookies.ReadToken(headers, token, out var length))
        {
            case CookieFound.Missing when !isAllowed(context):
                return next(context);
            case CookieFound.Missing:
                if (!cookie.IsEmpty)
                    refused.Count(RefusedKind.ForgedCookie, context);
                return Write(context.Response, Nobody);
            case CookieFound.Odd:
                return next(context);
        }

        token = token[..length];
        if (sessions.Find(TokenHash.Of(token)) is not { } found)
            return isAllowed(context) ? AnswerFromRow(context, new SessionToken(Encoding.UTF8.GetString(token)), next) : next(context);
        sessions.Remember(found, cookie);
        return AnswerFromMemory(context, found, next);
    }

    private Task AnswerFromMemory(HttpContext context, KnownSession known, RequestDelegate next) =>
        known.GoodUntil > clock.GetUtcNow().UtcTicks && jwt.MayAttach && isAllowed(context) ? Write(context, known) : next(context);

    private async Task AnswerFromRow(HttpContext context, SessionToken token, RequestDelegate next)
    {
        var now = clock.GetUtcNow();
        var asked = rows.Ask(token, now, context.RequestAborted);
        await ((Task)asked).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        if (asked.IsCompletedSuccessfully && await asked is var known && known.GoodUntil > now.UtcTicks && known.Live?.IsLive(now) != false
            && jwt.MayAttach)
        {
            await Write(context, known);
            return;
        }

        ActiveSessions.Pass(context, asked);
        await next(context);
    }

    private Task Write(HttpContext context, KnownSession known)
    {
        if (known.Live is not null)
        {
            jwt.AttachNow(context, known.Live);
        }
        else
        {
            context.Response.Headers.SetCookie = cookies.Cleared;
            refused.Count(RefusedKind.UnknownToken, context);
        }

        return Write(context.Response, known.Answer);
    }

    // What has a query, comes from a page elsewhere, brings a token or a key in a header or names an organization is rare
    // enough to go the other way.
    private static bool IsPlain(HttpRequest request) =>
        HttpMethods.IsGet(request.Method) && request.Path.Value == Path && !request.QueryString.HasValue
        && request.Headers.Origin.Count == 0 && request.Headers.Authorization.Count == 0
        && !request.Headers.ContainsKey(KeySessions.Header) && !Tenancy.IsAsked(request);

    // The headers that SecurityHeaders and ReadSession would have set.
    private Task Write(HttpResponse response, byte[] answer)
    {
        var headers = response.Headers;
        if (address.IsSecure)
            headers.StrictTransportSecurity = OneYear;
        headers.ContentType = JsonType;
        headers.ContentLength = answer.Length;
        headers.CacheControl = NoStore;
        headers.Pragma = NoCache;
        headers.XContentTypeOptions = NoSniff;
        headers.XFrameOptions = Deny;
        headers["Referrer-Policy"] = SameOrigin;
        // Not flushed here: the server sends headers and body by one call when the request is done.
        response.BodyWriter.Write(answer);
        return Task.CompletedTask;
    }
}
