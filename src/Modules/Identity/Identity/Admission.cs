using MediatR;
using Modular.Kernel;
using Modular.Sessions.Contracts;

namespace Modular.Identity;

/// <summary>
/// Lets somebody in who has proved who they are: starts their session, makes their address known to <see cref="GuessLimit"/>,
/// and makes them the caller, so that the events of this unit of work name them.
/// </summary>
internal sealed class Admission(IMediator mediator, GuessLimit guesses, Caller caller)
{
    public async Task<StartedSession> Admit(User user, bool remember, string method, CancellationToken ct)
    {
        var session = await mediator.Send(new StartSession(user.Id, remember, method), ct);
        caller.UserId = user.Id;
        caller.SessionId = session.SessionId;
        caller.Roles = user.Roles;
        guesses.Know(user);
        return session;
    }
}
