using Microsoft.AspNetCore.Http;
using Modular.Kernel;

namespace Modular.Identity;

/// <summary>What is refused to those who work with roles of an organization's own, in the words of the contract (§7.2).</summary>
internal static class RoleRefusals
{
    public static readonly Refusal NoActiveOrganization = TeamRefusals.NoActiveOrganization;

    public static readonly Refusal NotAMember = TeamRefusals.NotAMember;

    public static readonly Refusal NotFound = Refusal.BadRequest("ROLE_NOT_FOUND", "Role not found");

    public static readonly Refusal NameTaken = Refusal.BadRequest("ROLE_NAME_IS_ALREADY_TAKEN", "That role name is already taken");

    public static readonly Refusal InvalidResource = Refusal.BadRequest("INVALID_RESOURCE", "The provided permission includes an invalid resource");

    public static readonly Refusal Assigned = Refusal.BadRequest(
        "ROLE_IS_ASSIGNED_TO_MEMBERS",
        "Cannot delete a role that is assigned to members. Please reassign the members to a different role first");

    /// <summary>The same, with what the caller lacks: <c>member:update</c>.</summary>
    public static Refusal Lacking(Refusal refusal, IReadOnlyList<string> missing) => refusal with { Details = missing };

    /// <summary>As the wire has it: <c>missingPermissions</c> beside message and code.</summary>
    public static IResult ToHttp(Refusal refusal) => refusal.Details is IReadOnlyList<string> missing
        ? WireJson.Json(new { refusal.Message, refusal.Code, MissingPermissions = missing }, refusal.Status)
        : refusal.ToHttp();
}
