using MediatR;

namespace Modular.Identity.Contracts;

/// <summary>What Identity knows of a user, as it is stored at this moment.</summary>
/// <param name="Role">One or more of admin, pm, mentor, mentee, user, joined by commas.</param>
/// <param name="Status"><c>active</c>, <c>inactive</c> or <c>suspended</c>.</param>
public sealed record PersonFacts(
    string UserId, string Name, string Email, bool EmailVerified, string? Image, string Role, string Status, DateTimeOffset CreatedAt);

/// <summary>Asks what is known of users; who does not exist is left out. Joins the caller's unit of work and sees what it has staged.</summary>
public sealed record DescribePeople(IReadOnlyList<string> UserIds) : IRequest<IReadOnlyList<PersonFacts>>;

/// <summary>
/// Asks for a page of users, in the order in which they registered. A page is made from their rows, so it is right the moment
/// a role or a status has changed.
/// </summary>
/// <param name="Search">In names and addresses, in any case; null: everybody.</param>
/// <param name="Role">One of theirs; null: any.</param>
/// <param name="Status"><c>active</c>, <c>inactive</c> or <c>suspended</c>; null: any.</param>
/// <param name="OrganizationId">They are members of it; null: of any or none.</param>
/// <param name="AfterCreatedAt">With <paramref name="AfterId"/> the last one of the page before; null: from the beginning.</param>
/// <param name="Limit">At most so many.</param>
public sealed record ListPeople(
    string? Search, string? Role, string? Status, string? OrganizationId, DateTimeOffset? AfterCreatedAt, string? AfterId, int Limit)
    : IRequest<IReadOnlyList<PersonFacts>>;

/// <summary>
/// A user is a mentor or mentee from now on, or is none any more; joins the caller's unit of work. Whatever other roles they
/// have stay. False: there is no such user, or they are not active.
/// </summary>
/// <param name="Role"><c>mentor</c> or <c>mentee</c>; no other can be held this way.</param>
/// <param name="Holds">Whether they hold it afterwards.</param>
/// <param name="Reason">A stable code.</param>
public sealed record HoldRole(string UserId, string Role, bool Holds, string Reason) : IRequest<bool>;
