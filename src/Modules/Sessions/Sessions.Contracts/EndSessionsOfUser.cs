using MediatR;

namespace Modular.Sessions.Contracts;

/// <summary>Ends every session of a user, and those in which they impersonate another, at once; joins the caller's unit of work. Answers how many ended.</summary>
/// <param name="UserId">Whose.</param>
/// <param name="Reason">A stable code, e.g. <c>password_changed</c>.</param>
/// <param name="ExceptSessionId">One that stays.</param>
public sealed record EndSessionsOfUser(string UserId, string Reason, string? ExceptSessionId = null) : IRequest<int>;
