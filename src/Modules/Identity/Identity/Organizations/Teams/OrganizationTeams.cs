using Microsoft.Extensions.Options;
using Modular.Kernel;
using Modular.Store;

namespace Modular.Identity;

/// <summary>The teams of organizations, and who is in them.</summary>
internal sealed class OrganizationTeams(IDocumentSession store, IOptions<TeamOptions> options)
{
    /// <summary>How many teams an organization may have.</summary>
    public int Maximum => options.Value.MaxTeams;

    /// <summary>How many members a team may have.</summary>
    public int MaximumMembers => options.Value.MaxTeamMembers;

    /// <summary>The organization a request means; an empty text means none, as upstream.</summary>
    public static string? Chosen(string? organizationId, ActiveSession session) =>
        string.IsNullOrEmpty(organizationId) ? session.OrganizationId : organizationId;

    /// <summary>Oldest first.</summary>
    public Task<IReadOnlyList<Team>> Of(string organizationId, CancellationToken ct) =>
        store.QueryAsync<Team>("where d.organization_id = ? order by d.id", ct, organizationId);

    /// <summary>A team of this organization; another's is as good as none.</summary>
    public async Task<Team?> Find(string teamId, string organizationId, CancellationToken ct) =>
        await store.LoadAsync<Team>(teamId, ct) is { } team && team.OrganizationId == organizationId ? team : null;

    public async Task<TeamMember?> FindMember(string teamId, string userId, CancellationToken ct) =>
        (await store.QueryAsync<TeamMember>("where d.team_id = ? and d.user_id = ?", ct, teamId, userId)).SingleOrDefault();

    public Task<IReadOnlyList<TeamMember>> MembersOf(string teamId, CancellationToken ct) =>
        store.QueryAsync<TeamMember>("where d.team_id = ? order by d.id", ct, teamId);

    /// <summary>The teams that somebody is in, of organizations of which they are a member.</summary>
    /// <param name="organizationId">Null: of all of them.</param>
    public Task<IReadOnlyList<Team>> OfUser(string userId, string? organizationId, CancellationToken ct) => store.QueryAsync<Team>(
        """
        where d.id in (select t.team_id from identity.mt_doc_team_member t where t.user_id = ?)
            and d.organization_id in (select m.organization_id from identity.mt_doc_member m where m.user_id = ?)
            and (? or d.organization_id = ?)
        order by d.id
        """,
        ct, userId, userId, organizationId is null, organizationId ?? "");

    /// <summary>
    /// Stages that a member of the organization is in a team from now on. Asked again at the commit, one change of an
    /// organization after the other: that they are a member still, that the team is there, has room and has them not yet.
    /// Whoever removes the team meanwhile sees by its revision that it may be active somewhere now.
    /// </summary>
    public TeamMember Join(Team team, string userId, DateTimeOffset now)
    {
        Organization.Lock(store, team.OrganizationId);
        store.QueueSqlCommand(
            1,
            "update identity.mt_doc_member set mt_version = mt_version where organization_id = ? and user_id = ?",
            team.OrganizationId, userId);
        store.QueueSqlCommand(
            1,
            """
            update identity.mt_doc_team set mt_version = mt_version + 1 where id = ?
                and not exists (select from identity.mt_doc_team_member where team_id = ? and user_id = ?)
                and (select count(*) from identity.mt_doc_team_member where team_id = ?) < ?
            """,
            team.Id, team.Id, userId, team.Id, MaximumMembers);
        var member = new TeamMember(Organization.NewId(now), team.Id, team.OrganizationId, userId, now);
        store.Insert(member);
        store.Events.Append(team.OrganizationId, new TeamMemberAdded(team.Id, team.OrganizationId, userId, now));
        return member;
    }

    /// <summary>Stages that somebody is in no team of an organization any more, because they are no member of it.</summary>
    public async Task LeaveAll(string organizationId, string userId, DateTimeOffset now, CancellationToken ct)
    {
        var places = await store.QueryAsync<TeamMember>("where d.organization_id = ? and d.user_id = ?", ct, organizationId, userId);
        foreach (var place in places)
            store.Events.Append(organizationId, new TeamMemberRemoved(place.TeamId, organizationId, userId, now));
        store.QueueSqlCommand("delete from identity.mt_doc_team_member where organization_id = ? and user_id = ?", organizationId, userId);
    }
}

/// <summary>Somebody is in a team from now on.</summary>
internal sealed record TeamMemberAdded(string TeamId, string OrganizationId, string UserId, DateTimeOffset At);

/// <summary>Somebody is in a team no more.</summary>
internal sealed record TeamMemberRemoved(string TeamId, string OrganizationId, string UserId, DateTimeOffset At);
