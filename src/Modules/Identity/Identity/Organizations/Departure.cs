using MediatR;
using Modular.Sessions.Contracts;
using Modular.Store;

namespace Modular.Identity;

/// <summary>
/// Stages that somebody, or everybody, belongs to an organization no more: members, teams and the sessions that have it active,
/// in one transaction.
/// </summary>
internal sealed class Departure(IDocumentSession store, IMediator mediator, OrganizationRecord record, OrganizationTeams teams) : IEndOfUser
{
    /// <summary>The end of one membership; somebody else owns the organization still, or this fails at the commit.</summary>
    /// <param name="member">As read before anything was decided: whoever makes the organization active meanwhile has changed it.</param>
    public async Task Remove(Revision<Member> member, string reason, CancellationToken ct)
    {
        var (id, organizationId, userId) = (member.Document.Id, member.Document.OrganizationId, member.Document.UserId);
        Organization.Lock(store, organizationId);
        store.QueueSqlCommand(1, "delete from identity.mt_doc_member where id = ? and mt_version = ?", id, member.Number);
        await teams.LeaveAll(organizationId, userId, record.Now, ct);
        Organization.RequireOwner(store, organizationId);
        store.Events.Append(organizationId, new MemberRemoved(organizationId, userId, id, reason, record.Now));
        await mediator.Send(new LeaveOrganization(organizationId, userId), ct);
    }

    /// <summary>The end of an organization.</summary>
    public async Task End(Revision<Organization> organization, string userId, string reason, CancellationToken ct)
    {
        var id = organization.Document.Id;
        Organization.Lock(store, id);
        store.QueueSqlCommand(1, "delete from identity.mt_doc_organization where id = ? and mt_version = ?", id, organization.Number);
        store.QueueSqlCommand("delete from identity.mt_doc_member where organization_id = ?", id);
        store.QueueSqlCommand("delete from identity.mt_doc_invitation where organization_id = ?", id);
        store.QueueSqlCommand("delete from identity.mt_doc_team_member where organization_id = ?", id);
        store.QueueSqlCommand("delete from identity.mt_doc_team where organization_id = ?", id);
        store.QueueSqlCommand("delete from identity.mt_doc_organization_role where organization_id = ?", id);
        store.Events.Append(id, new OrganizationDeleted(id, userId, reason, record.Now));
        await mediator.Send(new LeaveOrganization(id), ct);
    }

    /// <summary>
    /// The user is being deleted: out of every organization. One without other members ends; where they were the last owner the
    /// admin who has been there longest, else the member who has, becomes it.
    /// </summary>
    public async Task Stage(User user, DateTimeOffset now, CancellationToken ct)
    {
        var memberships = await store.QueryAsync<Member>("where d.user_id = ? order by d.organization_id", ct, user.Id);
        foreach (var membership in memberships)
            await LeaveOne(membership, ct);

        // Whoever accepts an invitation meanwhile has one more, and this runs again.
        store.QueueSqlCommand(
            0, "delete from identity.mt_doc_member where user_id = ?", user.Id);
        store.QueueSqlCommand("delete from identity.mt_doc_team_member where user_id = ?", user.Id);
        foreach (var sent in await store.QueryAsync<Invitation>("where d.inviter_id = ? and d.status = ?", ct, user.Id, Invitation.Pending))
            store.Events.Append(sent.OrganizationId, new InvitationCanceled(sent.OrganizationId, user.Id, sent.Hash(), "user_deleted", record.Now));
        store.QueueSqlCommand("delete from identity.mt_doc_invitation where inviter_id = ? or email = ?", user.Id, user.Email);
    }

    private async Task LeaveOne(Member leaver, CancellationToken ct)
    {
        if (await store.LoadRevisionAsync<Organization>(leaver.OrganizationId, ct) is not { } organization)
            return;
        var others = (await store.QueryAsync<Member>("where d.organization_id = ?", ct, leaver.OrganizationId))
            .Where(member => member.Id != leaver.Id).ToList();
        if (others.Count == 0)
        {
            await End(organization, leaver.UserId, "user_deleted", ct);
            return;
        }

        if (Heir(others) is { } heir && await store.LoadRevisionAsync<Member>(heir.Id, ct) is { } revision)
        {
            var role = $"{OrganizationRoles.Owner},{heir.Role}";
            store.UpdateRevision(heir with { Role = role }, revision.Number);
            store.Events.Append(
                heir.OrganizationId, new MemberRoleSet(heir.OrganizationId, heir.UserId, heir.Id, role, "owner_deleted", record.Now));
        }

        if (await store.LoadRevisionAsync<Member>(leaver.Id, ct) is { } gone)
            await Remove(gone, "user_deleted", ct);
    }

    /// <summary>Who owns the organization next; null when somebody else does already.</summary>
    internal static Member? Heir(IReadOnlyList<Member> others) => others.Any(member => member.IsOwner())
        ? null
        : others
            .OrderByDescending(member => member.RoleNames().Contains(OrganizationRoles.Admin))
            .ThenBy(member => member.CreatedAt).ThenBy(member => member.Id, StringComparer.Ordinal)
            .FirstOrDefault();
}
