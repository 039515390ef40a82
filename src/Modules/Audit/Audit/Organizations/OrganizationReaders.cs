using MediatR;
using Modular.Identity.Contracts;
using Modular.Kernel;

namespace Modular.Audit;

/// <summary>Who may read what became of an organization: its owners and admins, and the administrators of the server.</summary>
internal sealed class OrganizationReaders(IMediator mediator, Caller caller)
{
    /// <summary>Answered alike to members, to strangers, and where there is no such organization.</summary>
    public static readonly Refusal NotForYou = Refusal.Forbidden("not_an_organization_admin", "Only owners and admins of an organization read its log");

    /// <summary>Asked of the rows with each request, so who loses the role has read the last page.</summary>
    public async Task<Refusal?> Admit(string organizationId, CancellationToken ct)
    {
        if (caller.Roles.Contains("admin"))
            return null;
        var roles = await mediator.Send(new FindMemberRoles(organizationId, caller.UserId!), ct);
        return roles.Contains("owner") || roles.Contains("admin") ? null : NotForYou;
    }

    /// <summary>The filter that nobody can widen; from where others acted is nothing to look for.</summary>
    public static EntryFilterText Within(EntryFilterText filters, string organizationId) => filters with
    {
        Organization = organizationId,
        Session = null,
        Ip = null,
        UserAgent = null,
        Q = null,
    };
}
