using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using Modular.Store;

namespace Modular.Identity;

/// <summary>
/// Devices on which a user's password is enough for 30 days since it was last used there. One row each, so that they can be
/// forgotten; the cookie holds its token, and a mac of token and user.
/// </summary>
internal sealed class TrustedDevices(IDocumentSession store, Verifications verifications, KeyRing keys, TimeProvider clock)
{
    public static readonly TimeSpan Life = TimeSpan.FromDays(30);

    private const string Purpose = "trust-device";
    private const string Prefix = "!trust-device-";

    /// <summary>Stages trust in this device; the value of its cookie.</summary>
    public string Trust(IEventStream<User> stream, string userId)
    {
        stream.AppendOne(new DeviceTrusted(userId, clock.GetUtcNow() + Life, User.Now(clock)));
        return Issue(userId);
    }

    /// <summary>Stages the next use of a device; the new value of its cookie, or null when it is not trusted.</summary>
    public async Task<string?> Use(string userId, string? cookie, CancellationToken ct)
    {
        if (cookie?.Split(Prefix) is not [var mac, var token] || !IsOurs(mac, userId, token)
            || await verifications.Find<Device>(Purpose, token, ct) is not { } device || device.UserId != userId)
            return null;
        verifications.Consume(Purpose, token);
        return Issue(userId);
    }

    /// <summary>Stages the end of all trust; recorded where there was any.</summary>
    public async Task Forget(IEventStream<User> stream, string userId, string reason, CancellationToken ct)
    {
        verifications.Revoke(Purpose, userId);
        if (await store.QueryAsync<Verification>("where d.user_id = ? and d.purpose = ?", ct, userId, Purpose) is { Count: > 0 } known)
            stream.AppendOne(new DevicesForgotten(userId, known.Count, reason, User.Now(clock)));
    }

    private string Issue(string userId)
    {
        var token = verifications.Issue(Purpose, new Device(userId), Life, userId);
        return $"{Mac(userId, token)}{Prefix}{token}";
    }

    private bool IsOurs(string mac, string userId, string token) =>
        CryptographicOperations.FixedTimeEquals(Encoding.UTF8.GetBytes(mac), Encoding.UTF8.GetBytes(Mac(userId, token)));

    private string Mac(string userId, string token) =>
        Base64Url.EncodeToString(HMACSHA256.HashData(keys.Of("trust-device"), Encoding.UTF8.GetBytes($"{userId}!{token}")));

    private sealed record Device(string UserId);
}
