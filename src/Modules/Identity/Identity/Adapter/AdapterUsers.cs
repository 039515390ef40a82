using Modular.Identity.Contracts;
using Modular.Kernel;
using Modular.Store;

namespace Modular.Identity;

/// <summary>Finds users for an Auth.js adapter: only those who still are somebody.</summary>
internal sealed class AdapterUsers(IDocumentSession store)
{
    /// <summary>Null also for what no id can look like.</summary>
    public async Task<User?> Find(string? id, CancellationToken ct) =>
        id is { Length: > 0 } && AdapterRoutes.IsStorable(id) && await store.LoadAsync<User>(id, ct) is { LinkedTo: null } user ? user : null;

    /// <summary>The user of an address, in whichever case it is written; what stands in the place of one is none.</summary>
    public async Task<User?> FindByEmail(string? email, CancellationToken ct) =>
        Address(email) is { } address && AdapterRoutes.IsStorable(address) && AuthJsUser.AddressOf(address) is not null
            ? (await store.QueryAsync<User>("where d.email = ?", ct, address)).SingleOrDefault()
            : null;

    public async Task<Account?> FindAccount(string? provider, string? providerAccountId, CancellationToken ct) =>
        provider is not null && providerAccountId is not null && AdapterRoutes.IsStorable(provider) && AdapterRoutes.IsStorable(providerAccountId)
            ? (await store.QueryAsync<Account>(
                "where d.issuer = ? and d.account_id = ?", ct, AuthJsAccount.IssuerOf(provider), providerAccountId)).SingleOrDefault()
            : null;

    /// <summary>An address as we keep it; null: none was given.</summary>
    public static string? Address(string? given) => string.IsNullOrEmpty(given) ? null : given.ToLowerInvariant();

    /// <summary>A name as we keep it: nobody is kept out because theirs is long.</summary>
    public static string Name(string? given)
    {
        const int Short = 200;
        if (given is null || UserLimits.Fits(given, UserLimits.NameBytes))
            return given ?? "";
        return given[..(char.IsHighSurrogate(given[Short - 1]) ? Short - 1 : Short)];
    }

    /// <summary>A picture as we keep it: none rather than one that does not fit.</summary>
    public static string? Image(string? given) => given is not null && UserLimits.Fits(given, UserLimits.ImageBytes) ? given : null;

    /// <summary>A time as users carry it.</summary>
    public static DateTimeOffset? Time(DateTimeOffset? given) =>
        given is { } at ? new DateTimeOffset(at.UtcTicks - (at.UtcTicks % TimeSpan.TicksPerMillisecond), TimeSpan.Zero) : null;
}

/// <summary>What is refused to an Auth.js adapter.</summary>
internal static class AdapterRefusals
{
    private const int MostAddressBytes = 512;

    public static readonly Refusal UserNotFound = Refusal.NotFound("user_not_found", "There is no such user");

    public static readonly Refusal EmailTaken = Refusal.Conflict("email_taken", "Another user has this e-mail address");

    public static readonly Refusal AccountTaken = Refusal.Conflict("account_taken", "The account is another user's");

    /// <summary>Null unless an address cannot be one.</summary>
    public static Refusal? OfAddress(string? email) =>
        email is null || (UserLimits.Fits(email, MostAddressBytes) && AdapterRoutes.IsStorable(email) && !MissingAddress.Is(email))
            ? null
            : Refusal.Invalid(new FieldError("email", "This cannot be an e-mail address"));

    /// <summary>Null unless a text cannot be stored.</summary>
    public static Refusal? OfTexts(IEnumerable<string?> texts) =>
        texts.All(AdapterRoutes.IsStorable) ? null : Refusal.Invalid(new FieldError("", "Unexpected NUL character"));
}
