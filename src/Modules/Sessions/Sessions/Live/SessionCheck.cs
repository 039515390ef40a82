using System.Buffers;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Primitives;
using Modular.Kernel;

namespace Modular.Sessions;

/// <summary>
/// The busiest route there is, <c>GET /get-session</c>, where nothing but memory is needed for the answer: the cookie is
/// not ours, or this node knows its session. Everything else goes the way of all requests, to <see cref="ReadSession"/>.
/// Allocates nothing but what the web server does.
/// </summary>
internal sealed class SessionCheck(LiveSessions sessions, SessionCookies cookies, PublicAddress address, EarlyReads reads, TimeProvider clock)
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

    /// <summary>Null: not for us to answer.</summary>
    public Task? TryAnswer(HttpContext context)
    {
        var request = context.Request;
        if (!IsPlain(request))
            return null;
        var cookie = cookies.FindToken(request.Headers.Cookie);
        if (sessions.Recognize(cookie) is not { } known)
        {
            var found = Check(request.Headers.Cookie, out var checkedNow);
            if (found == CookieFound.Missing)
                return isAllowed(context) ? Write(context.Response, Nobody) : null;
            if (checkedNow is null)
                return null;
            known = checkedNow;
            sessions.Remember(known, cookie);
        }

        if (known.GoodUntil <= clock.GetUtcNow().UtcTicks || !isAllowed(context))
            return null;
        if (known.Live is null)
            context.Response.Headers.SetCookie = cookies.Cleared;
        return Write(context.Response, known.Answer);
    }

    private CookieFound Check(StringValues headers, out KnownSession? known)
    {
        Span<byte> token = stackalloc byte[SignedCookies.LongestValue];
        var found = cookies.ReadToken(headers, token, out var length);
        known = found == CookieFound.Ours ? sessions.Find(TokenHash.Of(token[..length])) : null;
        return found;
    }

    // What has a query, or comes from a page elsewhere, is rare enough to go the other way.
    private static bool IsPlain(HttpRequest request) =>
        HttpMethods.IsGet(request.Method) && request.Path.Value == Path && !request.QueryString.HasValue
        && request.Headers.Origin.Count == 0;

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
