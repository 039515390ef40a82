using Modular.Kernel;

namespace Modular.Identity;

/// <summary>What is refused to those who work with teams, in the words of the contract (§7.2).</summary>
internal static class TeamRefusals
{
    public static readonly Refusal NoActiveOrganization = Refusal.BadRequest("NO_ACTIVE_ORGANIZATION", "No active organization");

    public static readonly Refusal NotFound = Refusal.BadRequest("TEAM_NOT_FOUND", "Team not found");

    public static readonly Refusal NotInOrganization = Refusal.BadRequest(
        "USER_IS_NOT_A_MEMBER_OF_THE_ORGANIZATION", "User is not a member of the organization");

    public static readonly Refusal NotInTeam = Refusal.BadRequest("USER_IS_NOT_A_MEMBER_OF_THE_TEAM", "User is not a member of the team");

    public static readonly Refusal Full = Refusal.Forbidden("TEAM_MEMBER_LIMIT_REACHED", "Team member limit reached");

    public static readonly Refusal NotAMember = Refusal.Forbidden(
        "YOU_ARE_NOT_A_MEMBER_OF_THIS_ORGANIZATION", "You are not a member of this organization");
}
