using MediatR;

namespace Modular.Audit.Contracts;

/// <summary>Asks who was signed in where, with which roles and memberships, at a time; folded from the log, not read from tables.</summary>
/// <param name="UserId">Of one user; null: of everybody, in the order of their ids.</param>
/// <param name="After">The users after this one; null: from the first.</param>
/// <param name="Limit">At most so many.</param>
public sealed record StateAsOf(DateTimeOffset At, string? UserId = null, string? After = null, int Limit = 50) : IRequest<PastState>;

/// <param name="Entries">How long the log was when it was asked; an entry of before <see cref="At"/> that came later is not in it.</param>
/// <param name="IsComplete">The log has its beginning; without it those who registered before are missing.</param>
/// <param name="Next">What to ask after for more; null: there are none.</param>
public sealed record PastState(DateTimeOffset At, long Entries, bool IsComplete, IReadOnlyList<PastPerson> Users, string? Next);

/// <summary>A user at a time.</summary>
/// <param name="Name">Null where it has been erased since; the address likewise.</param>
/// <param name="IsErased">Their personal data is gone, by now.</param>
/// <param name="Status"><c>active</c>, <c>inactive</c>, <c>suspended</c> or <c>deleted</c>.</param>
/// <param name="Sessions">Those that were live.</param>
public sealed record PastPerson(
    string Id,
    string? Name,
    string? Email,
    bool IsErased,
    IReadOnlyList<string> Roles,
    string Status,
    string? BanReason,
    DateTimeOffset? BanExpires,
    DateTimeOffset RegisteredAt,
    DateTimeOffset? DeletedAt,
    IReadOnlyList<PastMembership> Memberships,
    IReadOnlyList<PastSession> Sessions);

/// <param name="Role">Several are joined by commas.</param>
/// <param name="Teams">Ids, in their order.</param>
public sealed record PastMembership(string OrganizationId, string Role, DateTimeOffset Since, IReadOnlyList<string> Teams);

/// <param name="Method">How it was started.</param>
/// <param name="ExpiresAt">As it was known then; it may have been moved later.</param>
/// <param name="ImpersonatedBy">The administrator who acted as the user.</param>
public sealed record PastSession(
    string Id,
    string Method,
    DateTimeOffset StartedAt,
    DateTimeOffset ExpiresAt,
    string? IpAddress,
    string? UserAgent,
    string? ImpersonatedBy,
    string? OrganizationId,
    string? TeamId);

/// <summary>Asks what was different at two times.</summary>
/// <param name="UserId">Of one user; null: of everybody, in the order of their ids.</param>
/// <param name="After">The users after this one; null: from the first.</param>
/// <param name="Limit">At most so many are looked at; those who are as they were are not told.</param>
public sealed record DifferenceAsOf(DateTimeOffset From, DateTimeOffset To, string? UserId = null, string? After = null, int Limit = 50)
    : IRequest<PastDifference>;

/// <param name="IsComplete">The log has its beginning; without it those who registered before are missing.</param>
/// <param name="Users">Who was not the same. May be empty although more follow.</param>
/// <param name="Next">What to ask after for more; null: there are none.</param>
public sealed record PastDifference(
    DateTimeOffset From, DateTimeOffset To, long Entries, bool IsComplete, IReadOnlyList<PersonDifference> Users, string? Next);

/// <summary>What was not the same with a user. Null: they were not there, or it was the same.</summary>
/// <param name="IsNew">They came in between.</param>
/// <param name="IsGone">They went in between.</param>
public sealed record PersonDifference(
    string Id,
    bool IsNew,
    bool IsGone,
    ValueDifference? Roles,
    ValueDifference? Status,
    IReadOnlyList<PastSession> SessionsStarted,
    IReadOnlyList<PastSession> SessionsEnded,
    IReadOnlyList<PastMembership> MembershipsBegun,
    IReadOnlyList<PastMembership> MembershipsEnded,
    IReadOnlyList<PastMembership> MembershipsChanged);

/// <summary>Before and after; null: there was none.</summary>
public sealed record ValueDifference(string? From, string? To);
