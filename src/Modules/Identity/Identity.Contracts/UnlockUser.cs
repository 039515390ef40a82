using MediatR;

namespace Modular.Identity.Contracts;

/// <summary>
/// The operator lets somebody try their password again who has to wait because it was guessed wrong too often. Commits when
/// it is the outermost request.
/// </summary>
/// <param name="Email">Whose; in any case.</param>
public sealed record UnlockUser(string Email) : IRequest<UnlockedUser>;

/// <summary>Who may try again, or why nobody may.</summary>
/// <param name="UserId">Null when there is a problem.</param>
/// <param name="Failures">How many failures are forgotten, from wherever they came.</param>
/// <param name="Problem">A sentence for the operator; null when it was done.</param>
public sealed record UnlockedUser(string? UserId, long Failures, string? Problem);
