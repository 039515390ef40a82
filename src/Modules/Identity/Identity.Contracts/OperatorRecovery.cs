using MediatR;

namespace Modular.Identity.Contracts;

/// <summary>The operator ends every session of somebody, and those in which they act as another. Commits when it is the outermost request.</summary>
/// <param name="Email">Whose; in any case.</param>
public sealed record RevokeSessionsOf(string Email) : IRequest<SessionsOfRevoked>;

/// <summary>Whose sessions ended, or why none did.</summary>
/// <param name="UserId">Null when there is a problem.</param>
/// <param name="Ended">How many lived.</param>
/// <param name="Problem">A sentence for the operator; null when it was done.</param>
public sealed record SessionsOfRevoked(string? UserId, int Ended, string? Problem);

/// <summary>
/// The operator turns somebody's second factor off who has lost it, backup codes and all: the password is enough again. They
/// are told by mail, and their sessions end. Commits when it is the outermost request.
/// </summary>
/// <param name="Email">Whose; in any case.</param>
public sealed record ResetTwoFactor(string Email) : IRequest<TwoFactorWasReset>;

/// <summary>Whose second factor is off, or why nobody's is.</summary>
/// <param name="UserId">Null when there is a problem.</param>
/// <param name="Problem">A sentence for the operator; null when it was done.</param>
public sealed record TwoFactorWasReset(string? UserId, string? Problem);

/// <summary>
/// Wraps the keys of the database by <c>Auth:Secret</c> that another accepted secret wraps: <c>secrets rotate</c>. Answers
/// their names.
/// </summary>
public sealed record RewrapKeys : IRequest<IReadOnlyList<string>>;
