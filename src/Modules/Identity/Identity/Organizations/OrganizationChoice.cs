using Modular.Kernel;
using Modular.Store;

namespace Modular.Identity;

/// <summary>Which organization a request means: the one it names, else the one that is active in the session.</summary>
internal static class OrganizationChoice
{
    /// <summary>Null: neither.</summary>
    public static string? In(this ActiveSession session, string? wished) => string.IsNullOrEmpty(wished) ? session.OrganizationId : wished;

    /// <summary>The same where a slug goes before the id.</summary>
    public static async Task<Outcome<string>> Find(IQuerySession store, string? id, string? slug, CancellationToken ct)
    {
        if (!string.IsNullOrEmpty(slug))
            return (await store.QueryAsync<Organization>("where d.slug = ?", ct, slug)) is [var found] ? found.Id : OrganizationRefusals.NotFound;
        return string.IsNullOrEmpty(id) ? OrganizationRefusals.NoneActive : id;
    }
}
