using Modular.Kernel;
using Modular.Store;

namespace Modular.Identity;

/// <summary>What an invitation says of teams: checked when it is sent, carried out when it is accepted.</summary>
internal sealed class InvitedTeams(OrganizationTeams teams, IDocumentSession store)
{
    // Ids are joined by commas.
    private static readonly Refusal Reserved = Refusal.BadRequest("INVALID_TEAM_ID", "Team id contains a reserved character");

    /// <summary>Why somebody cannot be invited to these teams; null: they can.</summary>
    public async Task<Refusal?> Check(string organizationId, IReadOnlyList<string> teamIds, CancellationToken ct)
    {
        if (teamIds.Any(id => id.Contains(',', StringComparison.Ordinal)))
            return Reserved;
        foreach (var id in teamIds)
        {
            if (await teams.Find(id, organizationId, ct) is null)
                return TeamRefusals.NotFound;
            if ((await teams.MembersOf(id, ct)).Count >= teams.MaximumMembers)
                return TeamRefusals.Full;
        }

        return null;
    }

    /// <summary>Stages that the teams an invitation names are still there when it is committed.</summary>
    public void Hold(string organizationId, IReadOnlyList<string> teamIds)
    {
        foreach (var id in teamIds.Distinct())
            store.QueueSqlCommand(1, "update identity.mt_doc_team set mt_version = mt_version where id = ? and organization_id = ?", id, organizationId);
    }

    /// <summary>
    /// Stages that who accepts is in these teams from now on; after the statements that make them a member. Refused when one
    /// is gone or full, and nothing is staged then.
    /// </summary>
    public async Task<Refusal?> Join(Invitation invitation, string userId, DateTimeOffset now, CancellationToken ct)
    {
        var joined = new List<Team>();
        foreach (var id in invitation.Teams().Distinct())
        {
            if (await teams.Find(id, invitation.OrganizationId, ct) is not { } team)
                return TeamRefusals.NotFound;
            var members = await teams.MembersOf(id, ct);
            if (members.Any(member => member.UserId == userId))
                continue;
            if (members.Count >= teams.MaximumMembers)
                return TeamRefusals.Full;
            joined.Add(team);
        }

        foreach (var team in joined)
            teams.Join(team, userId, now);
        return null;
    }
}
