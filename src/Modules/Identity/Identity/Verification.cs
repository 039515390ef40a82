using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using Modular.Kernel;
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
    public const string KeyConstraint = "mt_doc_verification_pkey";

    // 192 bits: ASVS 5.0 11.5.1 asks for 128.
    private const int TokenBytes = 24;

    private const int MostPerHour = 5;

    private static readonly TimeSpan Hour = TimeSpan.FromHours(1);

    /// <summary>
    /// Stages one that is mailed to a user, after <see cref="AreTooMany"/>. What was read there may be stale when it is
    /// committed, so the commit counts again, one link of a user after the other: the loser of a race fails with a
    /// <see cref="ConcurrencyException"/>, and run again finds too many.
    /// </summary>
    public string IssueLimited<T>(string purpose, T payload, TimeSpan life, string userId)
    {
        var token = Issue(purpose, payload, life, userId);
        store.QueueSqlCommand("select pg_advisory_xact_lock(hashtextextended('identity.links/' || ?::text, 0))", userId);
        store.QueueSqlCommand(
            1,
            """
            update identity.mt_doc_verification set mt_version = mt_version where id = ? and (
                select count(*) from identity.mt_doc_verification
                where user_id = ? and purpose = ? and (data ->> 'createdAt')::timestamptz > ?) <= ?
            """,
            IdOf(purpose, token), userId, purpose, clock.GetUtcNow() - Hour, MostPerHour);
        return token;
    }

    /// <summary>Stages a new one and returns its token, 32 characters of base64url.</summary>
    public string Issue<T>(string purpose, T payload, TimeSpan life, string? userId = null)
    {
        var token = Base64Url.EncodeToString(RandomNumberGenerator.GetBytes(TokenBytes));
        var (id, now) = (IdOf(purpose, token), clock.GetUtcNow());
        store.Insert(new Verification(id, purpose, userId, secrets.SealJson(payload, id), now, now + life));
        return token;
    }

    /// <summary>Stages one whose token somebody else has made; the same one twice breaks <see cref="KeyConstraint"/>.</summary>
    public void Keep<T>(string purpose, string token, T payload, DateTimeOffset until, string? userId)
    {
        var id = IdOf(purpose, token);
        store.Insert(new Verification(id, purpose, userId, secrets.SealJson(payload, id), clock.GetUtcNow(), until));
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

    /// <summary>The same of a token that is used up by the try alone, whether it is refused or not.</summary>
    public void ConsumeEvenIfRefused(string purpose, string token, Refusals refusals)
    {
        Consume(purpose, token);
        refusals.QueueSqlCommand("delete from identity.mt_doc_verification where id = ?", IdOf(purpose, token));
    }

    /// <summary>
    /// Whether a user has been sent so many links for this purpose within the hour that one more would only fill their
    /// mailbox: whoever asks need not be the user. Once an hour that is recorded.
    /// </summary>
    public async Task<bool> AreTooMany(string purpose, string userId, CancellationToken ct)
    {
        var issued = await store.QueryAsync<Verification>("where d.user_id = ? and d.purpose = ?", ct, userId, purpose);
        if (issued.Count(verification => verification.CreatedAt > clock.GetUtcNow() - Hour) < MostPerHour)
            return false;
        await RecordTooMany(purpose, userId, ct);
        return true;
    }

    /// <summary>Stages the end of every token, and of every code (<see cref="EmailCodes"/>), of a user for this purpose.</summary>
    public void Revoke(string purpose, string userId)
    {
        store.QueueSqlCommand("delete from identity.mt_doc_verification where user_id = ? and purpose = ?", userId, purpose);
        store.QueueSqlCommand("update identity.email_codes set code = null where user_id = ? and purpose = ?", userId, purpose);
    }

    /// <summary>Stages the end of every token and every code of a user.</summary>
    public void RevokeAll(string userId)
    {
        store.QueueSqlCommand("delete from identity.mt_doc_verification where user_id = ?", userId);
        store.QueueSqlCommand("delete from identity.email_codes where user_id = ?", userId);
    }

    // A stream per hour, at whose beginning alone the event may stand: who asks for links must not fill the log as well.
    private async Task RecordTooMany(string purpose, string userId, CancellationToken ct)
    {
        var now = User.Now(clock);
        var stream = $"links:{userId}:{purpose}:{now:yyyyMMddHH}";
        if (await store.Events.FetchStreamStateAsync<User>(stream, ct) is null)
            store.Events.Append(stream, expectedVersion: 1, new LinkNotSent(userId, purpose, "too_many_links", now));
    }

    private static string IdOf(string purpose, string token) =>
        Base64Url.EncodeToString(SHA256.HashData(Encoding.UTF8.GetBytes($"{purpose}:{token}")));
}

/// <summary>A link was asked for and not mailed; told once an hour.</summary>
/// <param name="Purpose">What it would have been good for.</param>
internal sealed record LinkNotSent(string UserId, string Purpose, string Reason, DateTimeOffset At);
