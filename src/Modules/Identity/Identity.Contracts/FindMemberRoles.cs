using MediatR;

namespace Modular.Identity.Contracts;

/// <summary>Asks as what a user belongs to an organization at this moment. Empty: they do not, or there is no such organization.</summary>
public sealed record FindMemberRoles(string OrganizationId, string UserId) : IRequest<IReadOnlyList<string>>;
