using MediatR;
using Modular.Store;

namespace Modular.Identity;

/// <summary>Answers another module as what somebody belongs to an organization (<see cref="Contracts.FindMemberRoles"/>).</summary>
internal static class FindMemberRoles
{
    internal sealed class Handler(IDocumentSession store) : IRequestHandler<Contracts.FindMemberRoles, IReadOnlyList<string>>
    {
        public async Task<IReadOnlyList<string>> Handle(Contracts.FindMemberRoles request, CancellationToken ct) =>
            (await OrganizationAccess.FindMember(store, request.OrganizationId, request.UserId, ct))?.RoleNames() ?? [];
    }
}
