using Modular.Identity.Contracts;
using Modular.Kernel;

namespace Modular.Identity;

/// <summary>Reads a user of Clerk: from its API, as webhooks show them, or from a line of the dashboard's CSV export.</summary>
internal static class ClerkImport
{
    /// <summary>Null: the address is none.</summary>
    public static ImportedPerson? Read(string id, ImportRow row, List<ImportProblem> problems, DateTimeOffset now)
    {
        // Bcrypt, as a rule: nothing here verifies it.
        if (row.Text("passwordDigest") is not null || row.Flag("passwordEnabled"))
            problems.Add(new(id, "password", row.Text("passwordDigest") is null ? "not_exported" : "not_verifiable"));
        if (row.Text("totpSecret") is not null || row.Flag("totpEnabled"))
            problems.Add(new(id, "password", "second_factor"));
        return row.Has("emailAddresses") ? OfApi(id, row, now) : OfExport(id, row);
    }

    private static ImportedPerson OfApi(string id, ImportRow row, DateTimeOffset now)
    {
        var user = ClerkUser.Read(id, row.Json);
        var accounts = JsonMembers.Array(row.Json, "external_accounts")
            .Select(account => (Provider: JsonMembers.Text(account, "provider")?.Replace("oauth_", "", StringComparison.Ordinal), Subject: JsonMembers.Text(account, "provider_user_id")))
            .Where(account => account.Provider is not null && ProvidersOptions.Id().IsMatch(account.Provider) && account.Subject is not null)
            .Select(account => new ImportedAccount(null, account.Provider!, ImportIssuer.Of(account.Provider!, null, new ProvidersOptions()), account.Subject!, null, null));
        return Person(id, user.Name, user.Email, user.EmailVerified, user.Image, user.CreatedAt, [.. accounts]) with
        {
            Ban = ClerkChanges.BanOf(new User(id, "", "", EmailVerified: false, null, now, now, User.DefaultRole), user, now),
            Version = JsonMembers.Number(row.Json, "updated_at"),
        };
    }

    private static ImportedPerson? OfExport(string id, ImportRow row)
    {
        var email = row.Text("primaryEmailAddress") ?? row.Text("email");
        if (email is not null && !WireBody.IsEmail(email))
            return null;
        var verified = (row.Text("verifiedEmailAddresses") ?? "").Split([' ', ',', ';', '|'], StringSplitOptions.RemoveEmptyEntries);
        var name = string.Join(' ', new[] { row.Text("firstName"), row.Text("lastName") }.OfType<string>());
        return Person(
            id, ClerkUser.CutName(name.Length > 0 ? name : row.Text("username") ?? ""), email?.ToLowerInvariant(),
            email is not null && verified.Contains(email, StringComparer.OrdinalIgnoreCase), ClerkUser.ImageOf(row.Text("imageUrl")), row.Time("createdAt"), []);
    }

    private static ImportedPerson Person(
        string id, string name, string? email, bool isVerified, string? image, DateTimeOffset? createdAt, IReadOnlyList<ImportedAccount> accounts) => new(
        id, name, email, isVerified, image, User.DefaultRole, createdAt, Username.None, IsAnonymous: false, null, null,
        [new ImportedAccount(null, ClerkSync.Provider, ClerkSync.Issuer, id, null, null), .. accounts], [], []);
}
