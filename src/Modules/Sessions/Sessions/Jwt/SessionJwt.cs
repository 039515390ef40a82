using System.Buffers.Text;
using System.Data.Common;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Microsoft.Extensions.Primitives;
using Modular.Kernel;

namespace Modular.Sessions;

/// <summary>A token as it goes into the header, again and again for a while.</summary>
/// <param name="Until">When another is signed, UTC ticks.</param>
internal sealed record SignedJwt(StringValues Text, long Until);

/// <summary>
/// Who is signed in, as a token that other services check by themselves (contract §7.9). It says what was true when it was
/// signed; revoking the session does not take it back, so it is short-lived, and never longer than the session.
/// </summary>
internal sealed partial class SessionJwt(
    SigningKeys keys, PublicAddress address, IOptions<AuthOptions> auth, IOptions<JwtOptions> options, TimeProvider clock, ILogger<SessionJwt> log)
{
    private const string Header = "set-auth-jwt";

    /// <summary>Signing takes longer than a whole check from memory: one serves the checks of five minutes.</summary>
    private static readonly TimeSpan Again = TimeSpan.FromMinutes(5);

    private static readonly StringValues Exposed = Header;

    private readonly bool isAttached = auth.Value.IsOn(AuthGroup.Jwt) && options.Value.OnGetSession;

    /// <summary>About what one takes in memory.</summary>
    public int Room => isAttached ? 1_700 : 0;

    /// <summary>Whether <see cref="AttachNow"/> can do what is asked of it.</summary>
    public bool MayAttach => !isAttached || keys.Ready is not null;

    /// <summary>Puts the token on an answer to which nothing else has been put yet.</summary>
    public void AttachNow(HttpContext context, LiveSession live)
    {
        if (!isAttached || (FreshOf(live) ?? SignAgain(context, live, keys.Ready)) is not { } jwt)
            return;
        context.Response.Headers[Header] = jwt.Text;
        context.Response.Headers.AccessControlExposeHeaders = Exposed;
    }

    /// <summary>The same for any answer. Without a key the answer goes out all the same.</summary>
    public async Task Attach(HttpContext context, LiveSession live, CancellationToken ct)
    {
        if (!isAttached)
            return;
        try
        {
            var jwt = FreshOf(live) ?? SignAgain(context, live, await keys.Current(ct));
            context.Response.Headers[Header] = jwt!.Text;
            ExposedHeaders.Add(context, Header);
        }
        catch (Exception failure) when (failure is DbException or TimeoutException)
        {
            NotSigned(log, failure);
        }
    }

    public async Task<string> Sign(HttpContext context, LiveSession live, CancellationToken ct) =>
        Sign(live, await keys.Current(ct), address.OriginFor(context), clock.GetUtcNow());

    private SignedJwt? FreshOf(LiveSession live) =>
        live.Jwt is { } jwt && clock.GetUtcNow().UtcTicks < jwt.Until ? jwt : null;

    private SignedJwt? SignAgain(HttpContext context, LiveSession live, Signer? signer)
    {
        if (signer is null)
            return null;
        var now = clock.GetUtcNow();
        return live.Jwt = new SignedJwt(Sign(live, signer, address.OriginFor(context), now), (now + Again).UtcTicks);
    }

    internal static string Sign(LiveSession live, Signer signer, string origin, DateTimeOffset now)
    {
        var signed = $"{Part(new { alg = "ES256", kid = signer.Id })}.{Part(Claims(live, origin, now))}";
        return $"{signed}.{Base64Url.EncodeToString(signer.Sign(Encoding.ASCII.GetBytes(signed)))}";
    }

    internal static JsonObject Claims(LiveSession live, string origin, DateTimeOffset now)
    {
        var end = live.Session.ExpiresAt < now + JwtOptions.Life ? live.Session.ExpiresAt : now + JwtOptions.Life;
        var claims = JsonSerializer.SerializeToNode(live.User, WireJson.Options)!.AsObject();
        claims.Insert(0, "iat", now.ToUnixTimeSeconds());
        claims["sub"] = live.User.Id;
        claims["exp"] = end.ToUnixTimeSeconds();
        claims["iss"] = origin;
        claims["aud"] = origin;
        claims["sid"] = live.Session.Id;
        claims["org"] = live.Session.ActiveOrganizationId;
        return claims;
    }

    private static string Part<T>(T content) => Base64Url.EncodeToString(JsonSerializer.SerializeToUtf8Bytes(content, WireJson.Options));

    [LoggerMessage(Level = LogLevel.Warning, Message = "get-session was answered without a token, since no key could be read")]
    private static partial void NotSigned(ILogger log, Exception failure);
}
