using System.Text.RegularExpressions;
using Microsoft.Extensions.Options;
using Modular.Kernel;
using Modular.Store;

namespace Modular.Identity;

/// <summary>A name that a user may sign in with (contract §7.7), as somebody wishes to have it.</summary>
/// <param name="Name">As written; null: none is wished.</param>
/// <param name="Display">As it is to be shown; null: as it was, or as written.</param>
internal sealed partial record Username(string? Name, string? Display)
{
    public const string Index = "mt_doc_user_uidx_username";
    private const int DisplayBytes = 400;

    public static readonly Username None = new(null, null);

    internal static readonly Refusal TooShort = Refusal.BadRequest("USERNAME_TOO_SHORT", "Username is too short");
    internal static readonly Refusal TooLong = Refusal.BadRequest("USERNAME_TOO_LONG", "Username is too long");
    internal static readonly Refusal Invalid = Refusal.BadRequest("INVALID_USERNAME", "Username is invalid");
    internal static readonly Refusal InvalidDisplay = Refusal.BadRequest("INVALID_DISPLAY_USERNAME", "Display username is invalid");
    internal static readonly Refusal Taken = Refusal.BadRequest("USERNAME_IS_ALREADY_TAKEN", "Username is already taken. Please try another.");

    /// <summary>As it is stored and looked up.</summary>
    public string? Key => Name?.ToLowerInvariant();

    /// <summary>At a sign-up a display name that could be a username is one, and a username is shown as it was written.</summary>
    public Username ForNewUser() => this switch
    {
        { Name: null, Display: { } display } when RefuseName(display) is null => new(display, display),
        { Name: { } name, Display: null or "" } => new(name, name),
        _ => this,
    };

    public static Username Read(WireBody body) => new(body.OptionalString("username"), body.OptionalString("displayUsername"));

    /// <summary>Why it cannot be had, whoever has it; null: nothing is wrong with it.</summary>
    public Refusal? Refuse() => this switch
    {
        { Name: { } name } when RefuseName(name) is { } refusal => refusal,
        { Display: { } display } when !UserLimits.Fits(display, DisplayBytes) => InvalidDisplay,
        _ => null,
    };

    /// <summary>Three to thirty letters, digits, dots and underscores.</summary>
    public static Refusal? RefuseName(string name) => name.Length switch
    {
        < 3 => TooShort,
        > 30 => TooLong,
        _ => Pattern().IsMatch(name) ? null : Invalid,
    };

    [GeneratedRegex(@"^[A-Za-z0-9_.]+\z", RegexOptions.CultureInvariant)]
    private static partial Regex Pattern();
}

/// <summary>
/// A username that was wished at a sign-up with an address that is taken, where the answer does not tell so: if it stayed
/// free, asking for it afterwards would tell (ASVS 5.0 6.3.8).
/// </summary>
/// <param name="Id">The username in lower case.</param>
internal sealed record ReservedUsername(string Id);

/// <summary>Who has a username.</summary>
internal sealed class UsernameHolders(IDocumentSession store, Refusals refusals, IOptions<AuthOptions> options)
{
    /// <summary>The wish, or none where there are no usernames.</summary>
    public Username Allowed(Username wish) => options.Value.IsOn(AuthGroup.Username) ? wish : Username.None;

    /// <summary>The user of a username in lower case.</summary>
    public async Task<User?> Find(string key, CancellationToken ct) =>
        (await store.QueryAsync<User>("where d.username = ?", ct, key)).SingleOrDefault();

    /// <summary>Whether nobody has it.</summary>
    public async Task<bool> IsFree(string key, CancellationToken ct) =>
        await Find(key, ct) is null && await store.LoadAsync<ReservedUsername>(key, ct) is null;

    /// <summary>Refused when somebody else has it; the unique index decides again at the commit.</summary>
    public async Task<Refusal?> Claim(Username wish, string? userId, CancellationToken ct)
    {
        if (wish.Key is not { } key)
            return null;
        refusals.When(Username.Index, Username.Taken);
        if (await Find(key, ct) is { } holder)
            return holder.Id == userId ? null : Username.Taken;
        return await store.LoadAsync<ReservedUsername>(key, ct) is null ? null : Username.Taken;
    }

    public void Reserve(Username wish)
    {
        if (wish.Key is { } key)
            store.Store(new ReservedUsername(key));
    }
}
