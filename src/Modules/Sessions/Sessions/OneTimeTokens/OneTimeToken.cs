using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using Modular.Store;

namespace Modular.Sessions;

/// <summary>
/// What is stored of a one-time token: its hash, and the session's own token sealed with a key that only the one-time token
/// yields. A copy of the database opens neither.
/// </summary>
/// <param name="Id">SHA-256 of the one-time token, base64url.</param>
/// <param name="Sealed">The session's token, base64url.</param>
internal sealed record OneTimeToken(string Id, string SessionId, string UserId, string Sealed, DateTimeOffset ExpiresAt)
{
    public static readonly TimeSpan Life = TimeSpan.FromMinutes(3);

    private const int Length = 32;
    private const string Characters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

    /// <summary>190 random bits: its hash needs no key, and the key that is derived from it no stretching.</summary>
    public static string Mint() => RandomNumberGenerator.GetString(Characters, Length);

    public static string IdOf(string text) => Base64Url.EncodeToString(SHA256.HashData(Encoding.UTF8.GetBytes("one-time-token/" + text)));

    public static OneTimeToken For(string text, LiveSession live, DateTimeOffset now)
    {
        var sealedToken = SealedBytes.Seal(KeyOf(text), Encoding.UTF8.GetBytes(live.Token.Text), Encoding.UTF8.GetBytes(live.Session.Id));
        return new(IdOf(text), live.Session.Id, live.User.Id, Base64Url.EncodeToString(sealedToken), now + Life);
    }

    /// <summary>The session's token.</summary>
    public SessionToken? Open(string text) =>
        SealedBytes.Open(KeyOf(text), Base64Url.DecodeFromChars(Sealed), Encoding.UTF8.GetBytes(SessionId)) is { } token
            ? new SessionToken(Encoding.UTF8.GetString(token))
            : null;

    private static byte[] KeyOf(string text) =>
        HKDF.DeriveKey(HashAlgorithmName.SHA256, Encoding.UTF8.GetBytes(text), 32, info: "modular/one-time-token/1"u8.ToArray());
}

/// <summary>A user asked for a token by which another client of theirs joins this session.</summary>
internal sealed record OneTimeTokenIssued(string SessionId, string UserId, DateTimeOffset ExpiresAt, DateTimeOffset At);

/// <summary>Another client joined the session.</summary>
internal sealed record OneTimeTokenUsed(string SessionId, string UserId, DateTimeOffset At);

/// <summary>A token that was right once did not let anybody in.</summary>
/// <param name="Reason">A stable code: <c>expired</c>, <c>session_over</c>.</param>
internal sealed record OneTimeTokenRefused(string SessionId, string UserId, string Reason, DateTimeOffset At);
