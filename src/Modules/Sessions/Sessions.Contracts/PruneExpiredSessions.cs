using MediatR;

namespace Modular.Sessions.Contracts;

/// <summary>
/// Ends sessions whose time is over and nobody has ended, oldest first, in one short commit. Answers how many; whoever
/// wants all of them gone asks again until it is fewer than asked for.
/// </summary>
/// <param name="AtMost">How many; small enough for a commit well below a second.</param>
public sealed record PruneExpiredSessions(int AtMost = 250) : IRequest<int>;
