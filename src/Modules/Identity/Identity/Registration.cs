using Modular.Messaging;
using Modular.Store;

namespace Modular.Identity;

/// <summary>Who registers.</summary>
/// <param name="Email">In lower case.</param>
internal sealed record NewUser(
    string Name, string Email, string? Image = null, bool EmailVerified = false, string Role = User.DefaultRole, Username? Username = null,
    bool IsAnonymous = false)
{
    /// <summary>The id they have elsewhere, under which applications know them; null: a new one.</summary>
    public string? Id { get; init; }

    /// <summary>When they were made elsewhere.</summary>
    public DateTimeOffset? CreatedAt { get; init; }

    /// <summary>Where they come from; null: they register here.</summary>
    public string? Reason { get; init; }

    /// <summary>Since when the address is known to be theirs, where that is not now.</summary>
    public DateTimeOffset? EmailVerifiedAt { get; init; }
}

/// <summary>
/// Stages a new user, the account they sign in with and the message that tells the other modules. The unique index decides
/// about the address at the commit; who declares what losing means is the slice.
/// </summary>
internal sealed class Registration(IDocumentSession store, IMessageBus bus, GuessLimit guesses, TimeProvider clock)
{
    /// <summary>The user of an address in lower case.</summary>
    public async Task<User?> Find(string email, CancellationToken ct) =>
        (await store.QueryAsync<User>("where d.email = ?", ct, email)).SingleOrDefault();

    public Task<User> Register(NewUser person, string passwordHash) =>
        Register(person, (userId, now) => Account.Credential(userId, passwordHash, now));

    /// <param name="person">Who.</param>
    /// <param name="account">Their way in, made from their id and the time; null: none.</param>
    public async Task<User> Register(NewUser person, Func<string, DateTimeOffset, Account>? account)
    {
        var now = User.Now(clock);
        var id = person.Id ?? NewId();
        var registered = new UserRegistered(
            id, person.Name, person.Email, person.Image, person.EmailVerified, person.Role, now,
            person.Username?.Key, person.Username?.Display, person.IsAnonymous, person.CreatedAt, person.Reason, person.EmailVerifiedAt);
        store.Events.StartStream<User>(id, registered);
        if (account is not null)
            store.Insert(account(id, now));
        await bus.PublishAsync(new Contracts.UserRegistered(id, now), new DeliveryOptions { GroupId = id });
        var user = User.Create(registered);
        // Here too: where an address has to be verified first, nobody is admitted yet.
        guesses.Know(user);
        return user;
    }

    public string NewId() => Guid.CreateVersion7(clock.GetUtcNow()).ToString("N");
}
