using MediatR;

namespace Modular.Sessions.Contracts;

/// <summary>
/// Asks whether a session of a user lives, for an act that is finished later than it was begun. Joins the caller's unit
/// of work: a session that ends before the commit is a lost race there.
/// </summary>
public sealed record HoldSession(string SessionId, string UserId) : IRequest<bool>;
