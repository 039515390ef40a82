using Modular.Store;

namespace Modular.Identity;

/// <summary>What mails with codes and magic links leave in the log: who was written to, and when one mail was too many.</summary>
internal sealed class MailedSecrets(IDocumentSession store, EmailCodes codes, CodeHash hash, AddressHash addresses, TimeProvider clock)
{
    /// <summary>Whether no more mails of this kind go to an address within the hour; told once an hour.</summary>
    /// <param name="key">What would be sent.</param>
    /// <param name="email">Where to, in lower case.</param>
    /// <param name="user">Whose address it is; null: nobody's.</param>
    public async Task<bool> AreTooMany(CodeKey key, string email, User? user, CancellationToken ct)
    {
        if (!await codes.AreTooMany(key, ct))
            return false;
        // A stream per hour, at whose beginning alone the event may stand: who asks for mails must not fill the log as well.
        var now = User.Now(clock);
        var stream = $"mails:{hash.OfKey(key)}:{now:yyyyMMddHH}";
        if (await store.Events.FetchStreamStateAsync<User>(stream, ct) is null)
            store.Events.Append(stream, expectedVersion: 1, new MailNotSent(user?.Id, HashOf(user, email), key.Purpose, "too_many_mails", now));
        return true;
    }

    public void Sent(CodeKey key, string email, User? user) => store.Events.Append(
        user?.Id ?? $"mail:{Guid.CreateVersion7(clock.GetUtcNow()):N}",
        key.Purpose == MagicLinkTicket.Purpose
            ? new MagicLinkSent(user?.Id, HashOf(user, email), User.Now(clock))
            : new EmailCodeSent(user?.Id, HashOf(user, email), key.Purpose, User.Now(clock)));

    private string? HashOf(User? user, string email) => user is null ? addresses.Of(email) : null;
}

/// <summary>A code was mailed.</summary>
/// <param name="UserId">Whose address it is; null: nobody's yet.</param>
/// <param name="AddressHash">A keyed hash of an address that is nobody's.</param>
/// <param name="Purpose">What for: <c>email-otp</c> (signing in), <c>verify-email</c>, <c>reset-password</c>.</param>
internal sealed record EmailCodeSent(string? UserId, string? AddressHash, string Purpose, DateTimeOffset At);

/// <summary>A code or a magic link was asked for and not mailed; told once an hour.</summary>
/// <param name="UserId">Whose address it is; null: nobody's.</param>
/// <param name="AddressHash">A keyed hash of an address that is nobody's.</param>
internal sealed record MailNotSent(string? UserId, string? AddressHash, string Purpose, string Reason, DateTimeOffset At);
