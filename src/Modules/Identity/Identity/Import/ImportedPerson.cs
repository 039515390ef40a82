using System.Globalization;
using System.Text.RegularExpressions;
using Modular.Identity.Contracts;
using Modular.Kernel;
using Modular.Sessions.Contracts;

namespace Modular.Identity;

/// <summary>Somebody who comes from another system, as they will be here.</summary>
/// <param name="Email">In lower case; null: they have none.</param>
/// <param name="PasswordHash">One that verifies here; null: none.</param>
/// <param name="Problems">What cannot come along.</param>
internal sealed record ImportedPerson(
    string Id, string Name, string? Email, bool EmailVerified, string? Image, string Role, DateTimeOffset? CreatedAt, Username Username, bool IsAnonymous,
    UserBanned? Ban, string? PasswordHash, IReadOnlyList<ImportedAccount> Accounts, IReadOnlyList<SessionToImport> Sessions, IReadOnlyList<ImportProblem> Problems)
{
    /// <summary>Clerk's version of them.</summary>
    public long? Version { get; init; }
}

/// <param name="Id">Its own id elsewhere; null: it has none.</param>
/// <param name="Issuer">As we would call it.</param>
internal sealed record ImportedAccount(
    string? Id, string ProviderId, string Issuer, string AccountId, ProviderTokens? Tokens, DateTimeOffset? CreatedAt)
{
    /// <summary>What an Auth.js application has kept with it.</summary>
    public AuthJsGrant? AuthJs { get; init; }
}

/// <summary>Reads rows of other systems: tables of Better Auth and Auth.js, and Clerk's exports.</summary>
internal static partial class ImportReading
{
    public const string AuthJs = "authjs";
    public const string BetterAuth = "better-auth";
    public const string Clerk = "clerk";

    private const int LongestToken = 1000;
    private const int LongestSubject = 500;

    /// <summary>Nobody has shown an address of theirs to such a server before.</summary>
    private static readonly DateTimeOffset Earliest = new(2000, 1, 1, 0, 0, 0, TimeSpan.Zero);

    private static readonly string[] NotProviders = ["credential", "credentials", "email", "webauthn", "passkey"];

    /// <summary>What may be the id of a user: no stream of anything else is named like that.</summary>
    public static bool IsId(string? id) => id is not null && Ids().IsMatch(id);

    /// <summary>Who a row stands for; null and why: nobody who can be taken.</summary>
    public static (ImportedPerson? Person, string? Problem) Read(string kind, SourceUser source, ProvidersOptions providers, DateTimeOffset now)
    {
        if (!IsId(source.Id))
            return (null, "malformed_id");
        if (ImportRow.Read(source.Row) is not { } row)
            return (null, "malformed");
        var problems = new List<ImportProblem>();
        var person = kind == Clerk ? ClerkImport.Read(source.Id, row, problems, now) : ReadUser(kind, source.Id, row, problems, now);
        if (person is null)
            return (null, "malformed_address");
        var accounts = source.Accounts.Select(ImportRow.Read).ToList();
        return (person with
        {
            PasswordHash = kind == BetterAuth ? Password(source.Id, row, accounts, problems) : null,
            Accounts = [.. person.Accounts, .. accounts.Select(account => ReadAccount(kind, source.Id, account, providers, problems)).OfType<ImportedAccount>()],
            Sessions = [.. source.Sessions.Select(session => ReadSession(source.Id, ImportRow.Read(session), problems)).OfType<SessionToImport>()],
            Problems = problems,
        }, null);
    }

    // Auth.js knows an address, a name and a picture; what else stands in its table is the application's, and means nothing here.
    private static ImportedPerson? ReadUser(string kind, string id, ImportRow row, List<ImportProblem> problems, DateTimeOffset now)
    {
        var email = row.Text("email");
        if (email is not null && !WireBody.IsEmail(email))
            return null;
        var image = row.Text("image");
        if (image is not null && !UserLimits.Fits(image, UserLimits.ImageBytes))
            (image, _) = (null, Add(problems, id, "image", "too_large"));
        var isOurs = kind == BetterAuth;
        var wish = isOurs ? new Username(row.Text("username"), row.Text("displayUsername")).ForNewUser() : Username.None;
        if (wish.Refuse() is not null)
            (wish, _) = (Username.None, Add(problems, id, "username", "malformed"));
        // A flag there, a time here: 0 is no time, whatever it is as one.
        var isVerified = isOurs ? row.Flag("emailVerified") : row.Time("emailVerified") > Earliest;
        return new ImportedPerson(
            id, ClerkUser.CutName(row.Text("name") ?? ""), email?.ToLowerInvariant(), email is not null && isVerified, image, isOurs ? RoleOf(id, row, problems) : User.DefaultRole, row.Time("createdAt"),
            wish, isOurs && row.Flag("isAnonymous"), isOurs ? BanOf(id, row, now) : null, null, [], [], []);
    }

    private static string RoleOf(string id, ImportRow row, List<ImportProblem> problems)
    {
        if (row.Text("role") is not { } role)
            return User.DefaultRole;
        var names = role.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);
        var known = names.Where(AdminRoles.IsKnown).Distinct().ToList();
        if (known.Count < names.Distinct().Count())
            Add(problems, id, "role", "unknown");
        return known.Count == 0 ? User.DefaultRole : string.Join(',', known);
    }

    private static UserBanned? BanOf(string id, ImportRow row, DateTimeOffset now)
    {
        const int ReasonBytes = 4_000;
        if (!row.Flag("banned") || row.Time("banExpires") <= now)
            return null;
        return new UserBanned(id, row.Text("banReason") is { } reason && UserLimits.Fits(reason, ReasonBytes) ? reason : Standing.NoReason, row.Time("banExpires"), now);
    }

    // Whoever had to show a second factor must not get in with the password alone.
    private static string? Password(string id, ImportRow user, List<ImportRow?> accounts, List<ImportProblem> problems)
    {
        var hash = accounts.OfType<ImportRow>().Where(account => account.Text("providerId") == Account.CredentialProvider).Select(account => account.Text("password")).FirstOrDefault(text => text is not null);
        if (hash is null)
            return null;
        if (user.Flag("twoFactorEnabled"))
            return Add(problems, id, "password", "second_factor");
        return Scrypted().IsMatch(hash) ? hash : Add(problems, id, "password", "not_verifiable");
    }

    private static ImportedAccount? ReadAccount(string kind, string userId, ImportRow? row, ProvidersOptions providers, List<ImportProblem> problems)
    {
        var provider = row?.Text("providerId") ?? row?.Text("provider");
        if (row is not null && provider is not null && NotProviders.Contains(provider))
            return null;
        // Auth.js calls it providerAccountId, Better Auth accountId.
        var subject = row?.Text("providerAccountId") ?? row?.Text("accountId");
        if (row is null || provider is null || !ProvidersOptions.Id().IsMatch(provider) || subject is not { Length: <= LongestSubject })
        {
            Add(problems, userId, "account", "malformed");
            return null;
        }

        var tokens = new ProviderTokens(
            row.Text("accessToken"), row.Text("refreshToken"), row.Text("idToken"), row.Time("accessTokenExpiresAt") ?? row.Time("expiresAt"),
            row.Time("refreshTokenExpiresAt"), row.Text("scope")?.Split([' ', ','], StringSplitOptions.RemoveEmptyEntries));
        // The application that made it goes on with it, through the adapter.
        if (kind == AuthJs)
        {
            var ends = long.TryParse(row.Text("expiresAt"), CultureInfo.InvariantCulture, out var seconds) ? seconds : (long?)null;
            var grant = new AuthJsGrant(row.Text("type") ?? "oauth", ends, row.Text("tokenType"), row.Text("scope"), row.Text("sessionState"));
            return new ImportedAccount(row.Text("id"), provider, AuthJsAccount.IssuerOf(provider), subject, tokens, row.Time("createdAt")) { AuthJs = grant };
        }

        return new ImportedAccount(row.Text("id"), provider, row.Text("issuer") ?? ImportIssuer.Of(provider, tokens.IdToken, providers), subject, tokens, row.Time("createdAt"));
    }

    private static SessionToImport? ReadSession(string userId, ImportRow? row, List<ImportProblem> problems)
    {
        var token = row?.Text("sessionToken") ?? row?.Text("token");
        var expires = row?.Time("expires") ?? row?.Time("expiresAt");
        if (row is null || token is not { Length: >= 16 and <= LongestToken } || expires is not { } end)
        {
            Add(problems, userId, "session", "malformed");
            return null;
        }

        if (row.Text("impersonatedBy") is not null)
        {
            Add(problems, userId, "session", "impersonation");
            return null;
        }

        return new SessionToImport(userId, token, end, row.Text("id"), row.Time("createdAt"), row.Text("ipAddress"), row.Text("userAgent"));
    }

    private static string? Add(List<ImportProblem> problems, string userId, string what, string reason)
    {
        problems.Add(new(userId, what, reason));
        return null;
    }

    [GeneratedRegex(@"^[A-Za-z0-9_.|-]{1,64}\z", RegexOptions.CultureInvariant)]
    private static partial Regex Ids();

    [GeneratedRegex(@"^[0-9a-f]{8,128}:[0-9a-f]{128}\z", RegexOptions.CultureInvariant | RegexOptions.IgnoreCase)]
    private static partial Regex Scrypted();
}
