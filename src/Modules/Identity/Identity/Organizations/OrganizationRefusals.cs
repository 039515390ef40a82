using Modular.Kernel;

namespace Modular.Identity;

/// <summary>Why not, in the words of the contract (§7.2): what more than one slice about organizations answers.</summary>
internal static class OrganizationRefusals
{
    public static readonly Refusal NotFound = Refusal.BadRequest("ORGANIZATION_NOT_FOUND");

    public static readonly Refusal NoneActive = Refusal.BadRequest("NO_ACTIVE_ORGANIZATION");

    public static readonly Refusal SlugTaken = Refusal.BadRequest("ORGANIZATION_SLUG_ALREADY_TAKEN");

    /// <summary>400 where something is to be changed, 403 where it is to be read, 401 where it is asked what one may.</summary>
    public static readonly Refusal NotMember = Refusal.BadRequest("USER_IS_NOT_A_MEMBER_OF_THE_ORGANIZATION");

    public static readonly Refusal NotMemberToRead = NotMember with { Status = 403 };

    public static readonly Refusal NotMemberHere = Refusal.Forbidden("YOU_ARE_NOT_A_MEMBER_OF_THIS_ORGANIZATION");

    public static readonly Refusal MemberNotFound = Refusal.BadRequest("MEMBER_NOT_FOUND");

    public static readonly Refusal OnlyOwner = Refusal.BadRequest("YOU_CANNOT_LEAVE_THE_ORGANIZATION_AS_THE_ONLY_OWNER");

    public static readonly Refusal WithoutOwner = Refusal.BadRequest("YOU_CANNOT_LEAVE_THE_ORGANIZATION_WITHOUT_AN_OWNER");

    public static readonly Refusal InvitationNotFound = Refusal.BadRequest("INVITATION_NOT_FOUND");

    public static readonly Refusal NotRecipient = Refusal.Forbidden("YOU_ARE_NOT_THE_RECIPIENT_OF_THE_INVITATION");

    public static readonly Refusal NotVerified = Refusal.Forbidden(
        "EMAIL_VERIFICATION_REQUIRED_BEFORE_ACCEPTING_OR_REJECTING_INVITATION",
        "Email verification required before accepting or rejecting invitation");

    public static readonly Refusal NotVerifiedToRead = Refusal.Forbidden(
        "EMAIL_VERIFICATION_REQUIRED_FOR_INVITATION", "Email verification required to view or list invitations for the session email");

    public static readonly Refusal AlreadyMember = Refusal.BadRequest("USER_IS_ALREADY_A_MEMBER_OF_THIS_ORGANIZATION");

    public static readonly Refusal MembersFull = Refusal.Forbidden("ORGANIZATION_MEMBERSHIP_LIMIT_REACHED");

    public static Refusal UnknownRoles(IEnumerable<string> names) =>
        Refusal.BadRequest("ROLE_NOT_FOUND", $"ROLE_NOT_FOUND: {string.Join(", ", names)}");
}
