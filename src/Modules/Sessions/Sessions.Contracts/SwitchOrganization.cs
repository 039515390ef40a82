using MediatR;

namespace Modular.Sessions.Contracts;

/// <summary>
/// Makes an organization, and perhaps a team of it, the active one of a session; joins the caller's unit of work, which has
/// checked the membership. False: there is no such session any more.
/// </summary>
/// <param name="OrganizationId">Null: none is active from now on.</param>
/// <param name="TeamId">Null: no team.</param>
public sealed record SwitchOrganization(string SessionId, string? OrganizationId, string? TeamId) : IRequest<bool>;

/// <summary>
/// Whatever sessions have this organization active have none from now on: its user is no member any more, or it is gone. Joins
/// the caller's unit of work. Answers how many sessions that were.
/// </summary>
/// <param name="UserId">Whose sessions; null: everybody's.</param>
/// <param name="TeamId">Only this team is left, and the organization stays active; null: the organization.</param>
public sealed record LeaveOrganization(string OrganizationId, string? UserId = null, string? TeamId = null) : IRequest<int>;
