using MediatR;

namespace Modular.Sessions.Contracts;

/// <summary>Asks how many sessions there are and have been; of everybody.</summary>
/// <param name="Days">How many days back, the present one (UTC) among them.</param>
public sealed record CountSessions(int Days) : IRequest<SessionStatistics>;

/// <summary>Sessions at one moment, and in the days before it.</summary>
/// <param name="Active">Sessions that are live.</param>
/// <param name="Expired">Sessions whose time is over and which the next cleanup ends.</param>
/// <param name="Users">Users with a live session.</param>
/// <param name="AverageSeconds">How long the sessions lasted that ended in these days; null: none did.</param>
/// <param name="Devices">Live sessions by browser and system, the most first.</param>
public sealed record SessionStatistics(
    DateTimeOffset At, long Active, long Expired, long Users, IReadOnlyList<SessionsOfDay> ByDay, long? AverageSeconds, IReadOnlyList<SessionsOfDevice> Devices);

/// <param name="Day">A day of UTC.</param>
/// <param name="Ended">By their users, by others, or because their time was over.</param>
public sealed record SessionsOfDay(DateOnly Day, long Started, long Ended);

/// <param name="Device">In our words, e.g. <c>Firefox on Linux</c>.</param>
public sealed record SessionsOfDevice(string Device, long Sessions);
