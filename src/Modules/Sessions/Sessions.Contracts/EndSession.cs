using MediatR;

namespace Modular.Sessions.Contracts;

/// <summary>Ends one session, at once; joins the caller's unit of work. False: there was none that lived.</summary>
/// <param name="SessionId">Which; its id, not its token.</param>
/// <param name="Reason">A stable code, e.g. <c>impersonation_stopped</c>.</param>
public sealed record EndSession(string SessionId, string Reason) : IRequest<bool>;
