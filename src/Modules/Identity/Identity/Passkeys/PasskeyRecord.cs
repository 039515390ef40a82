using Modular.Kernel;
using Modular.Store;

namespace Modular.Identity;

/// <summary>What is answered when something with a passkey is refused, in the contract's words (§7.4).</summary>
internal static class PasskeyRefusals
{
    public static readonly Refusal NotFresh = Refusal.Forbidden("SESSION_NOT_FRESH", "Session is not fresh");

    public static readonly Refusal NotYours = Refusal.Unauthorized(
        "YOU_ARE_NOT_ALLOWED_TO_REGISTER_THIS_PASSKEY", "You are not allowed to register this passkey");

    public static readonly Refusal NotFound = Refusal.NotFound("PASSKEY_NOT_FOUND", "Passkey not found");
}

/// <summary>What happens with passkeys, as the log and their user's mailbox get to know it (ASVS 5.0 6.3.7).</summary>
internal sealed class PasskeyRecord(IDocumentSession store, Refusals refusals, Mailer mailer, TimeProvider clock)
{
    public DateTimeOffset Now => User.Now(clock);

    /// <summary>
    /// Stages a new one. Counted again at the commit, one new passkey of a user after the other: whoever loses finds too many when
    /// it runs again. And a passkey must not outlive its user.
    /// </summary>
    public void Add(Passkey passkey)
    {
        store.Insert(passkey);
        store.QueueSqlCommand(1, "update identity.mt_doc_user set mt_version = mt_version where id = ?", passkey.UserId);
        store.QueueSqlCommand("select pg_advisory_xact_lock(hashtextextended('identity.passkeys/' || ?::text, 0))", passkey.UserId);
        store.QueueSqlCommand(
            1,
            "update identity.mt_doc_passkey set mt_version = mt_version where id = ? "
                + "and (select count(*) from identity.mt_doc_passkey where user_id = ?) <= ?",
            passkey.Id, passkey.UserId, Passkey.MostPerUser);
    }

    public async Task Added(Passkey passkey, User user, string baseUrl)
    {
        store.Events.Append(
            Passkey.StreamOf(passkey.Id), new PasskeyAdded(user.Id, passkey.Id, passkey.Name, passkey.IsSynced, passkey.Aaguid, passkey.CreatedAt));
        await mailer.SendNotice(MailKind.PasskeyAdded, user.Email, baseUrl);
    }

    public void Used(Passkey passkey, long counter) =>
        store.Events.Append(Passkey.StreamOf(passkey.Id), new PasskeyUsed(passkey.UserId, passkey.Id, counter, Now));

    public async Task Removed(Passkey passkey, User user, string baseUrl)
    {
        Gone(passkey, "by_user");
        await mailer.SendNotice(MailKind.PasskeyRemoved, user.Email, baseUrl);
    }

    public void Gone(Passkey passkey, string reason) =>
        store.Events.Append(Passkey.StreamOf(passkey.Id), new PasskeyRemoved(passkey.UserId, passkey.Id, reason, Now));

    /// <summary>Records the refusal and answers it. In a stream of its own: many at once must not wait for each other.</summary>
    public Refusal Refused(PasskeyRefused refused, Refusal refusal)
    {
        refusals.Record(NewStream(), refused);
        return refusal;
    }

    /// <summary>Says what it means when the key is registered meanwhile.</summary>
    public void ExpectTaken(PasskeyRefused refused, Refusal taken) => refusals.When(Passkey.CredentialIndex, taken, NewStream(), refused);

    private string NewStream() => $"passkey-refused:{Guid.CreateVersion7(clock.GetUtcNow()):N}";
}
