using Modular.Kernel;
using Modular.Store;

namespace Modular.Identity;

/// <summary>Stages the address that an administrator gives to a user; the old one is told (ASVS 5.0 6.3.7).</summary>
internal sealed class AddressChange(Registration registration, Verifications verifications, GuessLimit guesses, Mailer mailer, Refusals refusals, TimeProvider clock)
{
    internal static readonly Refusal Taken = Refusal.BadRequest("USER_ALREADY_EXISTS_USE_ANOTHER_EMAIL", "User already exists. Use another email.");

    internal static readonly Refusal Invalid = Refusal.BadRequest("INVALID_EMAIL", "Invalid email");

    /// <summary>Also declares what it means when somebody registers the address meanwhile.</summary>
    public async Task<bool> IsTaken(string email, string userId, CancellationToken ct)
    {
        refusals.When(User.EmailIndex, Taken);
        return await registration.Find(email.ToLowerInvariant(), ct) is { } other && other.Id != userId;
    }

    /// <param name="email">Null: it stays.</param>
    /// <param name="verified">Null: a new address is not, an old one stays as it is.</param>
    public async Task<User> Set(IEventStream<User> stream, User user, string? email, bool? verified, string baseUrl)
    {
        var address = email?.ToLowerInvariant() ?? user.Email;
        var (isNew, isVerified) = (address != user.Email, verified ?? (address == user.Email && user.EmailVerified));
        if (!isNew && isVerified == user.EmailVerified)
            return user;
        var now = User.Now(clock);
        if (!isNew && isVerified)
        {
            var known = new UserEmailVerified(user.Id, Standing.ByAdministrator, now);
            stream.AppendOne(known);
            return user.Apply(known);
        }

        var changed = new UserEmailChanged(user.Id, address, isVerified, now);
        stream.AppendOne(changed);
        var renewed = user.Apply(changed);
        if (!isNew)
            return renewed;
        // What was mailed to the old address opens nothing any more.
        verifications.RevokeAll(user.Id);
        await mailer.SendNotice(MailKind.EmailChanged, user.Email, baseUrl, ("email", address));
        guesses.Know(renewed);
        return renewed;
    }
}
