using MediatR;

namespace Modular.Identity.Contracts;

/// <summary>
/// The operator gives a password to a user who has none, e.g. one who came from a provider; nobody can do so over HTTP
/// (contract §6.10). Commits when it is the outermost request.
/// </summary>
/// <param name="Email">Whose; in any case.</param>
/// <param name="Password">As typed.</param>
public sealed record SetPassword(string Email, string Password) : IRequest<PasswordSet>;

/// <summary>Whose password was set, or why none was.</summary>
/// <param name="UserId">Null when there is a problem.</param>
/// <param name="Problem">A sentence for the operator; null when it was done.</param>
public sealed record PasswordSet(string? UserId, string? Problem);
