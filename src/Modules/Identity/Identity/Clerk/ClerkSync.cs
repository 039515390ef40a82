using Modular.Kernel;
using Modular.Store;

namespace Modular.Identity;

/// <summary>What a message of Clerk brought about.</summary>
internal sealed record ClerkEffect(string Status, string? Reason = null)
{
    public static readonly ClerkEffect Applied = new("applied");
    public static readonly ClerkEffect Duplicate = new("duplicate");
    public static readonly ClerkEffect Stale = new("stale");

    public static ClerkEffect Ignored(string reason) => new("ignored", reason);

    public static ClerkEffect Refused(string reason) => new("refused", reason);
}

/// <summary>
/// Stages what Clerk says of a user. Whose it is here is decided by the account of provider <c>clerk</c> alone: where somebody
/// has lost or removed that account, Clerk has no say any more. A user whom Clerk makes has Clerk's id.
/// </summary>
internal sealed class ClerkSync(
    IDocumentSession store, Registration registration, ProviderSignInRecord record, ClerkChanges changes, Removal removal, LastAdministrator last, Refusals refusals)
{
    public const string Provider = "clerk";
    public const string Issuer = "local:oauth:clerk";

    /// <summary>Another user of Clerk has the address, who may just be giving it up: Clerk sends the message again later.</summary>
    internal static readonly Refusal AddressHeld = Refusal.Conflict("address_held", "Another user of Clerk has this address here; send it again later");

    public async Task<Outcome<ClerkEffect>> Apply(ClerkUser clerk, string baseUrl, CancellationToken ct)
    {
        record.ExpectRace();
        var account = await FindAccount(clerk.Id, ct);
        var holder = await registration.Find(AddressOf(clerk), ct);
        if (holder is not null && holder.Id != account?.UserId && await HasAccount(holder.Id, ct))
        {
            refusals.Record(NewStream(), new ClerkChangeRefused(holder.Id, clerk.Id, AddressHeld.Code, record.Now));
            return AddressHeld;
        }

        return account is null ? await Meet(clerk, holder, baseUrl, ct) : await Update(account.UserId, clerk, holder, baseUrl, ct);
    }

    /// <summary>The user goes with everything that is theirs; of whom Clerk has no say there is nothing to remove.</summary>
    public async Task<Outcome<ClerkEffect>> Remove(string clerkId, string baseUrl, CancellationToken ct)
    {
        if (await FindAccount(clerkId, ct) is not { } account || await store.LoadAsync<User>(account.UserId, ct) is not { } user)
            return ClerkEffect.Ignored("unknown_user");
        if (await last.Spare(user, ct) is { } refusal)
            return Refuse(user.Id, clerkId, refusal.Code);
        return await removal.Remove(user.Id, Provider, baseUrl, ct) ? ClerkEffect.Applied : ClerkEffect.Ignored("unknown_user");
    }

    /// <summary>
    /// Somebody whom we do not know by Clerk's id. Who has the address here already is the same person only where both sides
    /// have shown that it is theirs, as with every other provider.
    /// </summary>
    internal static Outcome<Welcome> Decide(ClerkUser clerk, User? holder, bool wasHere, DateTimeOffset now) => holder switch
    {
        _ when wasHere => Refusal.Conflict("id_in_use"),
        null => Welcome.Register,
        _ when clerk.Email is null || !clerk.EmailVerified || !holder.EmailVerified => Refusal.Conflict("address_taken"),
        _ when holder.IsBanned(now) => ProviderRefusals.Banned,
        _ => Welcome.Link,
    };

    private async Task<Outcome<ClerkEffect>> Meet(ClerkUser clerk, User? holder, string baseUrl, CancellationToken ct)
    {
        var wasHere = await store.Events.FetchStreamStateAsync<User>(clerk.Id, ct) is not null;
        var decided = Decide(clerk, holder, wasHere, record.Now);
        if (decided.Refusal is { } refusal)
            return Refuse(wasHere ? clerk.Id : holder?.Id, clerk.Id, refusal.Code.ToLowerInvariant());
        if (decided.Answer == Welcome.Link)
        {
            record.Link(NewAccount(clerk, holder!.Id), "same_address");
            return await Update(holder.Id, clerk, holder, baseUrl, ct);
        }

        var person = new NewUser(clerk.Name, AddressOf(clerk), clerk.Image, clerk.EmailVerified) { Id = clerk.Id, CreatedAt = clerk.CreatedAt, Reason = Provider };
        Account? account = null;
        var user = await registration.Register(person, (userId, _) => account = NewAccount(clerk, userId));
        record.Linked(account!, Provider);
        if (clerk.Banned || clerk.Locked)
            store.Events.Append(user.Id, ClerkChanges.BanOf(user, clerk, record.Now)!);
        return ClerkEffect.Applied;
    }

    private async Task<Outcome<ClerkEffect>> Update(string userId, ClerkUser clerk, User? holder, string baseUrl, CancellationToken ct)
    {
        var stream = await store.Events.FetchForWriting<User>(userId, ct);
        if (stream.Aggregate is not { } user)
            return ClerkEffect.Ignored("unknown_user");
        var isTaken = holder is not null && holder.Id != user.Id;
        var refused = await changes.Stage(stream, user, clerk, isTaken, baseUrl, ct);
        foreach (var reason in refused)
            store.Events.Append(NewStream(), new ClerkChangeRefused(user.Id, clerk.Id, reason, record.Now));
        return refused.Count == 0 ? ClerkEffect.Applied : ClerkEffect.Refused(refused[0]);
    }

    // Who has no address, as at Clerk with a telephone alone, gets one that can be nobody's, and to which no mail is sent.
    private static string AddressOf(ClerkUser clerk) => clerk.Email ?? AnonymousAddress.Of($"{clerk.Id.ToLowerInvariant()}.clerk");

    private async Task<Account?> FindAccount(string clerkId, CancellationToken ct) =>
        (await store.QueryAsync<Account>("where d.issuer = ? and d.account_id = ?", ct, Issuer, clerkId)).SingleOrDefault();

    private async Task<bool> HasAccount(string userId, CancellationToken ct) =>
        (await store.QueryAsync<Account>("where d.user_id = ? and d.issuer = ?", ct, userId, Issuer)).Count > 0;

    private Account NewAccount(ClerkUser clerk, string userId) =>
        new(registration.NewId(), userId, Provider, Issuer, clerk.Id, null, record.Now, record.Now);

    // Acknowledged all the same: the message would be the same when it came again. Committed with what is known of its version.
    private ClerkEffect Refuse(string? userId, string clerkId, string reason)
    {
        store.Events.Append(NewStream(), new ClerkChangeRefused(userId, clerkId, reason, record.Now));
        return ClerkEffect.Refused(reason);
    }

    private string NewStream() => $"clerk:{registration.NewId()}";
}

/// <summary>Something that Clerk says of a user is not so here.</summary>
/// <param name="UserId">Whom of ours it is about; null: nobody.</param>
/// <param name="ClerkId">Clerk's id of the user.</param>
/// <param name="Reason">
/// <c>address_taken</c>, <c>address_held</c> by another user of Clerk, <c>id_in_use</c>, <c>banned_user</c>, <c>no_address</c>, <c>last_administrator</c>.
/// </param>
internal sealed record ClerkChangeRefused(string? UserId, [PersonalData] string? ClerkId, string Reason, DateTimeOffset At);
