using MediatR;

namespace Modular.Sessions.Contracts;

/// <summary>
/// Ends every session whose time is over, a short commit at a time, each by itself: nothing is undone when it is cancelled.
/// Null: another node is at it.
/// </summary>
/// <param name="Longest">For how long it goes on; null: to the end.</param>
/// <param name="Progress">Told after every commit how many were ended.</param>
public sealed record CleanUpSessions(TimeSpan? Longest = null, IProgress<long>? Progress = null) : IRequest<CleanedUp?>;

/// <param name="Done">False: the time was over before all were ended.</param>
public sealed record CleanedUp(long Ended, bool Done);
