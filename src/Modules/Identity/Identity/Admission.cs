using MediatR;
using Modular.Identity.Contracts;
using Modular.Kernel;
using Modular.Sessions.Contracts;

namespace Modular.Identity;

/// <summary>
/// Lets somebody in who has proved who they are: starts their session, makes their address known to <see cref="GuessLimit"/>,
/// and makes them the caller, so that the events of this unit of work name them.
/// </summary>
internal sealed class Admission(IMediator mediator, GuessLimit guesses, SignInRecord record, AnonymousUpgrade upgrade, Caller caller)
{
    internal static readonly Refusal Banned = Refusal.Forbidden(
        "BANNED_USER", "You have been banned from this application. Please contact support if you believe this is an error.");

    /// <summary>
    /// The same for every way of signing in that has nothing else to refuse: a banned user is, and that is recorded; a ban
    /// that is over is lifted on the way (contract §7.1).
    /// </summary>
    public async Task<Outcome<SignedInUser>> Enter(User user, bool remember, string method, CancellationToken ct)
    {
        if (user.IsBanned(record.Now))
        {
            record.Failed(user, user.Email, "banned");
            return Banned;
        }

        var welcome = await record.LiftExpiredBan(user, ct);
        return new SignedInUser(await Admit(welcome, remember, method, ct), welcome.ToPrincipal());
    }

    public async Task<StartedSession> Admit(User user, bool remember, string method, CancellationToken ct)
    {
        var session = await mediator.Send(new StartSession(user.Id, remember, method), ct);
        caller.UserId = user.Id;
        caller.SessionId = session.SessionId;
        caller.Roles = user.Roles;
        await upgrade.Link(user, ct);
        guesses.Know(user);
        return session;
    }
}

/// <summary>Somebody who is signed in now.</summary>
internal sealed record SignedInUser(StartedSession Session, SessionPrincipal User);
