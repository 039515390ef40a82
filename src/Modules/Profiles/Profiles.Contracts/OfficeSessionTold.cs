using MediatR;

namespace Modular.Profiles.Contracts;

/// <summary>What one is told about an office session.</summary>
public enum OfficeSessionNews
{
    Requested,
    Confirmed,
    Declined,
    Cancelled,
    Reminder,
}

/// <summary>Somebody is to be told about an office session of theirs.</summary>
/// <param name="UserId">Who.</param>
/// <param name="StartsAt">When it is, or was to be.</param>
public sealed record OfficeSessionTold(string SessionId, string UserId, OfficeSessionNews News, DateTimeOffset StartsAt);

/// <summary>Asks when an office session is. Null: it is gone, or not one of the user's.</summary>
public sealed record DescribeOfficeSession(string SessionId, string UserId) : IRequest<OfficeSessionTime?>;

/// <param name="Status">As it is at this moment.</param>
/// <param name="TimeZone">The clock of the user who is told; null: they have not said.</param>
public sealed record OfficeSessionTime(DateTimeOffset StartsAt, DateTimeOffset EndsAt, string Status, string? TimeZone);
