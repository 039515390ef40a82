using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Options;
using Microsoft.Extensions.Primitives;

namespace Modular.Kernel;

/// <summary>The three cookies of a session, contract §2.1 and §2.2, and what comes along with them (§7.8, §7.10, §7.13).</summary>
public sealed class SessionCookies(SignedCookies cookies, DeviceCookies devices, LastLoginMethod lastMethod, IOptions<AuthOptions> options)
{
    public const string Token = "session_token";
    public const string Data = "session_data";
    public const string NotRemembered = "dont_remember";

    /// <summary>The session's token for clients that keep no cookies, on every response that sets one.</summary>
    public const string TokenHeader = "set-auth-token";

    // Made once, not with each request; the public address may be known only after the start.
    private Made? plain;
    private Made? secure;

    /// <summary>Sets the session's cookie.</summary>
    /// <param name="context">Request and response.</param>
    /// <param name="token">The bare token.</param>
    /// <param name="maxAge">
    /// Null: not remembered, both cookies end with the browser. Whoever re-sends the cookie of a live session passes null
    /// when <see cref="IsNotRemembered"/>.
    /// </param>
    public void Set(HttpContext context, string token, TimeSpan? maxAge)
    {
        cookies.Set(context, Token, token, maxAge);
        if (maxAge is null)
            cookies.Set(context, NotRemembered, "true", null);
        if (!options.Value.IsOn(AuthGroup.Bearer))
            return;
        context.Response.Headers[TokenHeader] = cookies.WithSignature(token);
        ExposedHeaders.Add(context, TokenHeader);
    }

    /// <summary>Sets the cookie of a session that has just begun, or has just come to this browser.</summary>
    /// <param name="context">Request and response.</param>
    /// <param name="token">The bare token.</param>
    /// <param name="maxAge">Null: not remembered.</param>
    public void Start(HttpContext context, string token, TimeSpan? maxAge)
    {
        Set(context, token, maxAge);
        devices.Add(context, token, maxAge);
        lastMethod.Note(context);
        AuthTrace.Of(context)?.Tell(
            "cookie", "set", detail: $"{cookies.NameOf(Token)}; Max-Age={(maxAge is { } life ? $"{(long)life.TotalSeconds}" : "none")}; Path=/; HttpOnly; {(cookies.IsSecure ? "Secure; " : "")}SameSite=Lax");
    }

    /// <summary>Sends the cookie of a live session again after it was given more time.</summary>
    public void Prolong(HttpContext context, string token, TimeSpan? maxAge)
    {
        Set(context, token, maxAge);
        devices.Prolong(context, token, maxAge);
    }

    /// <summary>
    /// Sends the cookie of the request's own session again, remembered or not as it was: what it stands for has changed.
    /// Nothing when the request has none.
    /// </summary>
    public void Renew(HttpContext context)
    {
        if (ReadToken(context) is not { } token)
            return;
        TimeSpan? maxAge = IsNotRemembered(context) ? null : options.Value.SessionLifetime;
        Set(context, token, maxAge);
        devices.Add(context, token, maxAge);
    }

    /// <summary>
    /// Deletes the two that name a session, for a sign-in that waits for its second factor; whether it is to be remembered stays
    /// (contract §7.3).
    /// </summary>
    public void Expire(HttpContext context)
    {
        cookies.Delete(context, Token);
        cookies.Delete(context, Data);
        lastMethod.Note(context);
    }

    /// <summary>Deletes all three, in the order of the transcripts.</summary>
    public void Clear(HttpContext context)
    {
        cookies.Delete(context, Token);
        cookies.Delete(context, Data);
        cookies.Delete(context, NotRemembered);
        if (context.Response.Headers.Remove(TokenHeader))
            ExposedHeaders.Remove(context, TokenHeader);
    }

    /// <summary>
    /// The bare token when its signature is ours; says nothing about whether the session lives. One in the
    /// <c>Authorization</c> header goes before the cookie's.
    /// </summary>
    public string? ReadToken(HttpContext context) => ReadBearer(context) ?? cookies.Read(context, Token);

    /// <summary>The same without allocating anything; see <see cref="SignedCookies.Find(StringValues, string, Span{byte}, out int)"/>.</summary>
    public CookieFound ReadToken(StringValues headers, Span<byte> token, out int length) =>
        cookies.Find(headers, Ours.TokenName, token, out length);

    /// <summary>The session's cookie as it came, signature unchecked; empty where <see cref="ReadToken(StringValues, Span{byte}, out int)"/> finds none.</summary>
    public ReadOnlySpan<char> FindToken(StringValues headers) => SignedCookies.FindRaw(headers, Ours.TokenName);

    /// <summary>Whether the request brings a cookie in a session's place, whoever signed it.</summary>
    public bool IsCookieSent(HttpContext context) => SignedCookies.Find(context.Request.Headers.Cookie, Ours.TokenName) is { Length: > 0 };

    /// <summary>What <see cref="Clear"/> sends, where nothing else sets a cookie.</summary>
    public StringValues Cleared => Ours.Cleared;

    private Made Ours
    {
        get
        {
            var isSecure = cookies.IsSecure;
            ref var made = ref isSecure ? ref secure : ref plain;
            return made ??= new Made(
                cookies.NameOf(Token), new StringValues([cookies.Deleted(Token), cookies.Deleted(Data), cookies.Deleted(NotRemembered)]));
        }
    }

    /// <summary>Whether the request carries our <c>dont_remember</c>: such a session is never refreshed.</summary>
    public bool IsNotRemembered(HttpContext context) => cookies.Read(context, NotRemembered) is not null;

    // Signed as in the cookie, or the token alone. One that is signed wrongly, a JWT perhaps, is somebody else's.
    private string? ReadBearer(HttpContext context)
    {
        const string Scheme = "Bearer ";
        if (context.Request.Headers.Authorization is not [{ Length: > 7 } header] || !options.Value.IsOn(AuthGroup.Bearer)
            || !header.StartsWith(Scheme, StringComparison.OrdinalIgnoreCase))
            return null;
        var given = header[Scheme.Length..].Trim();
        return given.Contains('.') ? cookies.Verify(given) : given.Length > 0 ? given : null;
    }

    private sealed record Made(string TokenName, StringValues Cleared);
}
