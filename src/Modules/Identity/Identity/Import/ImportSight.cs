using Modular.Store;

namespace Modular.Identity;

/// <summary>What is here already of what some users would bring along.</summary>
internal sealed record ImportSight(
    IReadOnlyDictionary<string, string> Origins, IReadOnlySet<string> Alive, IReadOnlyDictionary<string, string> DeletedAtClerk, ISet<string> Addresses, ISet<string> Usernames,
    ISet<(string Issuer, string AccountId)> Accounts, ISet<string> AccountIds)
{
    /// <summary>What a registration's reason says of somebody who was imported.</summary>
    public static string ReasonOf(string kind) => $"import_{kind.Replace('-', '_')}";

    /// <summary>Why somebody is not taken: null when they are, empty when they were before.</summary>
    public string? Refuse(string kind, ImportedPerson person) => this switch
    {
        _ when DeletedAtClerk.ContainsKey(person.Id) && kind == ImportReading.Clerk => "deleted_here",
        _ when Origins.TryGetValue(person.Id, out var origin) => !Alive.Contains(person.Id) ? "deleted_here" : IsSame(kind, origin) ? "" : "id_taken",
        _ when person.Email is { } email && Addresses.Contains(email) => "address_taken",
        _ => null,
    };

    public static async Task<ImportSight> Look(
        IDocumentSession store, ImportLedger ledger, IReadOnlyList<ImportedPerson> people, CancellationToken ct)
    {
        string[] ids = [.. people.Select(person => person.Id)];
        var accounts = people.SelectMany(person => person.Accounts).ToList();
        var owners = await store.QueryAsync<User>("where d.email = any (?)", ct, (object)people.Select(person => person.Email).OfType<string>().ToArray());
        string[] names = [.. people.Select(person => person.Username.Key).OfType<string>()];
        var holders = names.Length == 0 ? [] : await store.QueryAsync<User>("where d.username = any (?)", ct, (object)names);
        var reserved = names.Length == 0 ? [] : await store.LoadManyAsync<ReservedUsername>(names, ct);
        var same = await store.QueryAsync<Account>(
            "where (d.issuer, d.account_id) in (select * from unnest(?, ?))", ct,
            accounts.Select(account => account.Issuer).ToArray(), accounts.Select(account => account.AccountId).ToArray());
        var kept = await store.LoadManyAsync<Account>(accounts.Select(account => account.Id).OfType<string>(), ct);
        return new ImportSight(
            await ledger.Origins(ids, ct), (await store.LoadManyAsync<User>(ids, ct)).Select(user => user.Id).ToHashSet(), await ledger.DeletedAtClerk(ids, ct),
            owners.Select(user => user.Email).ToHashSet(), holders.Select(user => user.Username!).Concat(reserved.Select(name => name.Id)).ToHashSet(),
            same.Select(account => (account.Issuer, account.AccountId)).ToHashSet(), kept.Select(account => account.Id).ToHashSet());
    }

    // Whoever came by Clerk's webhook is who Clerk's export means.
    private static bool IsSame(string kind, string origin) => origin == ReasonOf(kind) || (kind == ImportReading.Clerk && origin == ClerkSync.Provider);
}
