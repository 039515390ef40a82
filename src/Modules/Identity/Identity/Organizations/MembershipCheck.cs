using Modular.Kernel;
using Modular.Store;

namespace Modular.Identity;

/// <summary>Answers every module whether a request may act in the organization that it names.</summary>
internal sealed class MembershipCheck(IDocumentStore documents) : IMemberships
{
    public async Task<bool> IsMember(string organizationId, string userId, CancellationToken ct)
    {
        await using var store = documents.QuerySession();
        return await OrganizationAccess.FindMember(store, organizationId, userId, ct) is not null;
    }
}
