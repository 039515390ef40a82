using MediatR;

namespace Modular.Sessions.Contracts;

/// <summary>
/// The live session of a token, if it is that user's: for somebody who comes back to it. Joins the caller's unit of work: a
/// session that ends before the commit is a lost race there.
/// </summary>
public sealed record FindSession(string Token, string UserId) : IRequest<WireSession?>;

/// <summary>Where a user is signed in, and by whom they are impersonated; also what ran out of time and is still kept. Shows handles, no tokens.</summary>
public sealed record FindSessionsOfUser(string UserId) : IRequest<IReadOnlyList<WireSession>>;

/// <summary>Ends the session of a token or a handle, whosesoever; joins the caller's unit of work. Answers whose it was; null: none lived.</summary>
/// <param name="Named">A token or a handle.</param>
/// <param name="Reason">A stable code, e.g. <c>revoked_by_administrator</c>.</param>
public sealed record EndNamedSession(string Named, string Reason) : IRequest<string?>;

/// <summary>
/// Ends the sessions in which a user acts as another, and those in which another acts as them; joins the caller's unit of
/// work. Answers how many.
/// </summary>
public sealed record EndImpersonations(string UserId, string Reason) : IRequest<int>;
