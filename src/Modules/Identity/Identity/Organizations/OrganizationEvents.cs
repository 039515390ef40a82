using System.Text.Json.Serialization;
using Modular.Kernel;
using Modular.Store;

namespace Modular.Identity;

/// <summary>Somebody founded an organization; its owner and first team came with it.</summary>
internal sealed record OrganizationCreated(string OrganizationId, string UserId, string Name, string Slug, string TeamId, DateTimeOffset At);

/// <param name="Changed">Which of name, slug, logo, metadata.</param>
/// <param name="Name">Null unless it was changed; the slug likewise.</param>
internal sealed record OrganizationUpdated(
    string OrganizationId, string UserId, IReadOnlyList<string> Changed, string? Name, string? Slug, DateTimeOffset At);

/// <summary>An organization is gone, and with it members, invitations, teams and roles.</summary>
/// <param name="Reason"><c>deleted</c>; <c>user_deleted</c>: its only member is.</param>
internal sealed record OrganizationDeleted(string OrganizationId, string UserId, string Reason, DateTimeOffset At);

/// <param name="Reason"><c>created</c>, <c>invited</c>.</param>
internal sealed record MemberAdded(string OrganizationId, string UserId, string MemberId, string Role, string Reason, DateTimeOffset At);

/// <param name="Reason"><c>changed</c>; <c>owner_deleted</c>: the last owner is gone, and this one is next.</param>
internal sealed record MemberRoleSet(string OrganizationId, string UserId, string MemberId, string Role, string Reason, DateTimeOffset At);

/// <param name="Reason"><c>removed</c>, <c>left</c>, <c>user_deleted</c>.</param>
internal sealed record MemberRemoved(string OrganizationId, string UserId, string MemberId, string Reason, DateTimeOffset At);

/// <param name="UserId">Who invites.</param>
/// <param name="InvitationHash">Not the id: that lets in.</param>
/// <param name="Email">Under the key of the address itself: the inviter's would keep it when its owner is erased.</param>
/// <param name="Reason"><c>new</c>, <c>again</c>.</param>
/// <param name="AddressHash">A keyed hash of the address.</param>
internal sealed record MemberInvited(
    string OrganizationId, string UserId, string InvitationHash, [PersonalData] string? Email, string Role, string Reason, DateTimeOffset At,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] string? AddressHash = null);

/// <param name="UserId">Who was invited.</param>
internal sealed record InvitationAccepted(string OrganizationId, string UserId, string InvitationHash, DateTimeOffset At);

/// <param name="UserId">Who was invited.</param>
internal sealed record InvitationRejected(string OrganizationId, string UserId, string InvitationHash, DateTimeOffset At);

/// <param name="UserId">Who took it back.</param>
/// <param name="Reason"><c>canceled</c>; <c>user_deleted</c>: the inviter is.</param>
internal sealed record InvitationCanceled(string OrganizationId, string UserId, string InvitationHash, string Reason, DateTimeOffset At);

/// <summary>Somebody wanted to do something in an organization that they may not; changes nothing.</summary>
/// <param name="Act">What: the last part of the path in snake case, <c>invite_member</c>.</param>
internal sealed record OrganizationActRefused(string? OrganizationId, string UserId, string Act, string Reason, DateTimeOffset At);

/// <summary>Records what was refused in organizations, each in a stream of its own like every refusal.</summary>
internal sealed class OrganizationRecord(Refusals refusals, TimeProvider clock)
{
    // An id that is asked for may be anything, and an event is not.
    private const int LongestId = 64;

    public DateTimeOffset Now => User.Now(clock);

    public Refusal Refuse(string? organizationId, string userId, string act, Refusal refusal)
    {
        var known = organizationId is { Length: > LongestId } ? organizationId[..LongestId] : organizationId;
        refusals.Record(
            $"organization-refusal:{Guid.CreateVersion7(clock.GetUtcNow()):N}",
            new OrganizationActRefused(known, userId, act, refusal.Code.ToLowerInvariant(), Now));
        return refusal;
    }
}
