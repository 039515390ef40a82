using MediatR;
using Modular.Sessions.Contracts;
using Modular.Store;

namespace Modular.Identity;

/// <summary>Stages that a user is from now on as Clerk has them, with what follows from it.</summary>
internal sealed class ClerkChanges(
    Verifications verifications, GuessLimit guesses, Mailer mailer, LastAdministrator last, IMediator mediator, TimeProvider clock)
{
    /// <summary>Reasons of bans that are Clerk's to lift.</summary>
    public const string Banned = "Banned at Clerk";
    public const string Locked = "Locked at Clerk";

    /// <summary>Answers what is refused.</summary>
    /// <param name="isTaken">Whether the address is somebody else's here.</param>
    public async Task<IReadOnlyList<string>> Stage(
        IEventStream<User> stream, User user, ClerkUser clerk, bool isTaken, string baseUrl, CancellationToken ct)
    {
        var now = User.Now(clock);
        var refused = new List<string>();
        if (Person(user, clerk, now) is { } updated)
            stream.AppendOne(updated);
        if (clerk.Email is null && !AnonymousAddress.Is(user.Email))
            refused.Add("no_address");
        else if (isTaken)
            refused.Add("address_taken");
        else
            await Address(stream, user, clerk, baseUrl, now);
        if (BanOf(user, clerk, now) is { } banned)
        {
            if (await last.Spare(user, ct) is { } refusal)
                return [.. refused, refusal.Code.ToLowerInvariant()];
            stream.AppendOne(banned);
            await mediator.Send(new EndSessionsOfUser(user.Id, "banned"), ct);
        }
        else if (user.Banned && !clerk.Banned && !clerk.Locked && IsOurs(user))
        {
            stream.AppendOne(new UserUnbanned(user.Id, ClerkSync.Provider, now));
            await mediator.Send(new EndSessionsOfUser(user.Id, "unbanned"), ct);
        }

        return refused;
    }

    /// <summary>What Clerk says of name and image; null: they are so already.</summary>
    internal static UserUpdated? Person(User user, ClerkUser clerk, DateTimeOffset now)
    {
        List<string> changed = [];
        if (user.Name != clerk.Name)
            changed.Add(UserUpdated.NameMember);
        if (user.Image != clerk.Image)
            changed.Add(UserUpdated.ImageMember);
        T? Of<T>(string member, T? value) => changed.Contains(member) ? value : default;
        return changed.Count == 0
            ? null
            : new UserUpdated(user.Id, changed, Of(UserUpdated.NameMember, clerk.Name), Of(UserUpdated.ImageMember, clerk.Image), now);
    }

    /// <summary>The ban that Clerk's flags mean; null: none, or one that holds is as long. An administrator's stays theirs, and neither a longer nor a shorter one takes its place.</summary>
    internal static UserBanned? BanOf(User user, ClerkUser clerk, DateTimeOffset now)
    {
        if (!clerk.Banned && !clerk.Locked)
            return null;
        var (reason, expires) = clerk.Banned ? (Banned, (DateTimeOffset?)null) : (Locked, now + clerk.LockedFor);
        if (user.IsBanned(now) && (!IsOurs(user) || user.BanExpires is null || user.BanReason == reason))
            return null;
        return new UserBanned(user.Id, reason, expires, now);
    }

    private static bool IsOurs(User user) => user.BanReason is Banned or Locked;

    // An address that was verified, here or there, stays so while it is the same.
    private async Task Address(IEventStream<User> stream, User user, ClerkUser clerk, string baseUrl, DateTimeOffset now)
    {
        if (clerk.Email is not { } address)
            return;
        if (address == user.Email)
        {
            if (clerk.EmailVerified && !user.EmailVerified)
                stream.AppendOne(new UserEmailVerified(user.Id, ClerkSync.Provider, now));
            return;
        }

        var changed = new UserEmailChanged(user.Id, address, clerk.EmailVerified, now);
        stream.AppendOne(changed);
        // What was mailed to the old address opens nothing any more.
        verifications.RevokeAll(user.Id);
        await mailer.SendNotice(MailKind.EmailChanged, user.Email, baseUrl, ("email", address));
        guesses.Know(user.Apply(changed));
    }
}
