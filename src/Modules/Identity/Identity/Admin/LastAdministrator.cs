using Modular.Kernel;
using Modular.Store;

namespace Modular.Identity;

/// <summary>Somebody is always an administrator who can act as one: neither demoted, nor banned, nor removed.</summary>
internal sealed class LastAdministrator(IDocumentSession store, TimeProvider clock)
{
    internal static readonly Refusal Refusal = Refusal.BadRequest("LAST_ADMINISTRATOR", "Somebody else has to be an administrator first");

    // The index mt_doc_user_idx_administrators has the same condition.
    private const string Others = "role ~ '(^|,)admin(,|$)' and id <> ? and not (banned and (ban_expires is null or ban_expires > ?))";

    /// <summary>
    /// Refused when the user is the only one. What was read may be stale when it is committed, so the commit counts again, one
    /// after the other: of two administrators who demote each other one fails with a <see cref="ConcurrencyException"/>, and
    /// run again is told so.
    /// </summary>
    public async Task<Refusal?> Spare(User user, CancellationToken ct)
    {
        if (!user.Roles.Contains(User.AdminRole))
            return null;
        var now = clock.GetUtcNow();
        if ((await store.QueryAsync<User>($"where {Others} limit 1", ct, user.Id, now)).Count == 0)
            return Refusal;
        store.QueueSqlCommand("select pg_advisory_xact_lock(hashtextextended('identity.administrators', 0))");
        store.QueueSqlCommand(
            1, $"update identity.mt_doc_user set id = id where id = (select id from identity.mt_doc_user where {Others} order by id limit 1)", user.Id, now);
        return null;
    }
}
