namespace Modular.Identity;

/// <summary>A team as the wire has it.</summary>
internal sealed record TeamView(string Name, string OrganizationId, DateTimeOffset CreatedAt, DateTimeOffset? UpdatedAt, string Id)
{
    public static TeamView Of(Team team) => new(team.Name, team.OrganizationId, team.CreatedAt, team.UpdatedAt, team.Id);
}

/// <summary>Somebody's place in a team as the wire has it.</summary>
internal sealed record TeamMemberView(string TeamId, string UserId, DateTimeOffset CreatedAt, string Id)
{
    public static TeamMemberView Of(TeamMember member) => new(member.TeamId, member.UserId, member.CreatedAt, member.Id);
}
