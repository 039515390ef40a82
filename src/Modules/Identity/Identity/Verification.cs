using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using Modular.Store;

namespace Modular.Identity;

/// <summary>
/// Something to be shown once, within its time: a link in a mail, the state of a sign-in elsewhere. The token is known
/// to its holder alone; a copy of the row neither yields it nor what it stands for.
/// </summary>
/// <param name="Id">SHA-256 of purpose and token, base64url.</param>
/// <param name="Purpose">What the token is good for, and nothing else.</param>
/// <param name="UserId">Whose it is; null: nobody's yet.</param>
/// <param name="Payload">Sealed by <see cref="SecretBox"/>.</param>
internal sealed record Verification(string Id, string Purpose, string? UserId, string Payload, DateTimeOffset CreatedAt, DateTimeOffset ExpiresAt);

/// <summary>Issues, finds and consumes <see cref="Verification"/>s in the running unit of work.</summary>
internal sealed class Verifications(IDocumentSession store, SecretBox secrets, TimeProvider clock)
{
    // 192 bits: ASVS 5.0 11.5.1 asks for 128.
    private const int TokenBytes = 24;

    private const int MostPerHour = 5;

    /// <summary>Stages a new one and returns its token, 32 characters of base64url.</summary>
    public string Issue<T>(string purpose, T payload, TimeSpan life, string? userId = null)
    {
        var token = Base64Url.EncodeToString(RandomNumberGenerator.GetBytes(TokenBytes));
        var (id, now) = (IdOf(purpose, token), clock.GetUtcNow());
        store.Insert(new Verification(id, purpose, userId, secrets.SealJson(payload, id), now, now + life));
        return token;
    }

    /// <summary>What the token stands for; null when it is unknown, used or expired.</summary>
    public async Task<T?> Find<T>(string purpose, string token, CancellationToken ct)
        where T : class => await FindEvenExpired<T>(purpose, token, ct) is { IsExpired: false, Payload: var payload } ? payload : null;

    /// <summary>The same, for the answers that tell an expired link from an unknown one.</summary>
    public async Task<(T Payload, bool IsExpired)?> FindEvenExpired<T>(string purpose, string token, CancellationToken ct)
        where T : class
    {
        var id = IdOf(purpose, token);
        if (await store.LoadAsync<Verification>(id, ct) is not { } found || secrets.OpenJson<T>(found.Payload, id) is not { } payload)
            return null;
        return (payload, found.ExpiresAt <= clock.GetUtcNow());
    }

    /// <summary>
    /// Stages the use of a token: of several uses at once one commits, the others fail with a
    /// <see cref="ConcurrencyException"/>, which an idempotent command outlives, to find nothing.
    /// </summary>
    public void Consume(string purpose, string token) =>
        store.QueueSqlCommand(1, "delete from identity.mt_doc_verification where id = ?", IdOf(purpose, token));

    /// <summary>
    /// Whether a user has been sent so many links for this purpose within the hour that one more would only fill their
    /// mailbox: whoever asks need not be the user.
    /// </summary>
    public async Task<bool> AreTooMany(string purpose, string userId, CancellationToken ct)
    {
        var issued = await store.QueryAsync<Verification>("where d.user_id = ? and d.purpose = ?", ct, userId, purpose);
        return issued.Count(verification => verification.CreatedAt > clock.GetUtcNow() - TimeSpan.FromHours(1)) >= MostPerHour;
    }

    /// <summary>Stages the end of every token of a user for this purpose.</summary>
    public void Revoke(string purpose, string userId) =>
        store.QueueSqlCommand("delete from identity.mt_doc_verification where user_id = ? and purpose = ?", userId, purpose);

    /// <summary>Stages the end of every token of a user.</summary>
    public void RevokeAll(string userId) =>
        store.QueueSqlCommand("delete from identity.mt_doc_verification where user_id = ?", userId);

    private static string IdOf(string purpose, string token) =>
        Base64Url.EncodeToString(SHA256.HashData(Encoding.UTF8.GetBytes($"{purpose}:{token}")));
}
