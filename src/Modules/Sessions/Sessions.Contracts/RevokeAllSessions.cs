using MediatR;

namespace Modular.Sessions.Contracts;

/// <summary>
/// The operator ends sessions of everybody that began before a moment, in one short commit. Answers how many; whoever wants
/// all of them gone asks again until it is none.
/// </summary>
/// <param name="Before">What begins later stays: somebody has signed in anew.</param>
/// <param name="AtMost">How many; small enough for a commit well below a second.</param>
public sealed record RevokeAllSessions(DateTimeOffset Before, int AtMost = 250) : IRequest<int>;

/// <summary>How many sessions <see cref="RevokeAllSessions"/> would end altogether.</summary>
/// <param name="Moment">As there.</param>
public sealed record CountSessionsBefore(DateTimeOffset Moment) : IRequest<long>;
