using MediatR;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.Options;
using Modular.Kernel;
using Modular.Store;

namespace Modular.Identity;

/// <summary>A member who may asks somebody to join, by mail: <c>POST /api/auth/organization/invite-member</c>.</summary>
internal static class InviteMember
{
    internal sealed record Request(string Email, IReadOnlyList<string> Roles, string? OrganizationId, bool Resend, IReadOnlyList<string> TeamIds)
        : IWireInput<Request>
    {
        public static Request Read(WireBody body) => new(
            body.RequiredString("email"), OrganizationLimits.Names(body, "role", required: true) ?? [], body.OptionalString("organizationId"),
            body.OptionalBool("resend") ?? false, OrganizationLimits.Names(body, "teamId", required: false) ?? []);
    }

    /// <param name="Email">In lower case.</param>
    internal sealed record Command(string UserId, string OrganizationId, string Email, Request Wish, string BaseUrl)
        : IRequest<Outcome<Invitation>>, IIdempotent;

    internal static readonly Refusal InvalidEmail = Refusal.BadRequest("INVALID_EMAIL");

    internal static readonly Refusal NotAllowed = Refusal.Forbidden("YOU_ARE_NOT_ALLOWED_TO_INVITE_USERS_TO_THIS_ORGANIZATION");

    internal static readonly Refusal NotThisRole = Refusal.Forbidden(
        "YOU_ARE_NOT_ALLOWED_TO_INVITE_USER_WITH_THIS_ROLE", "You are not allowed to invite a user with this role");

    internal static readonly Refusal Already = Refusal.BadRequest("USER_IS_ALREADY_INVITED_TO_THIS_ORGANIZATION");

    internal static readonly Refusal TooMany = Refusal.Forbidden("INVITATION_LIMIT_REACHED");

    internal sealed class Endpoint(PublicAddress address) : ICarterModule
    {
        public void AddRoutes(IEndpointRouteBuilder app) => app
            .MapAuthPost("/organization/invite-member", async (Request request, HttpContext context, IMediator mediator, CancellationToken ct) =>
            {
                var session = (await SignedInExtensions.Identify(context))!;
                if (session.In(request.OrganizationId) is not { } organizationId)
                    return OrganizationRefusals.NotFound.ToHttp();
                var email = request.Email.ToLowerInvariant();
                if (!WireBody.IsEmail(email))
                    return InvalidEmail.ToHttp();
                var outcome = await mediator.Send(
                    new Command(session.UserId, organizationId, email, request, address.For(context).ToString()), ct);
                return outcome.ToHttp(invitation => WireJson.Ok(InvitationView.Of(invitation)));
            })
            .RequireSession()
            .PartOf(AuthGroup.Organization);
    }

    internal sealed class Handler(
        IDocumentSession store, OrganizationRecord record, Refusals refusals, InvitationMail mail, InvitedTeams teams, AddressHash addresses, IOptions<OrganizationOptions> options)
        : IRequestHandler<Command, Outcome<Invitation>>
    {
        public async Task<Outcome<Invitation>> Handle(Command command, CancellationToken ct)
        {
            var (organizationId, now) = (command.OrganizationId, record.Now);
            var access = await OrganizationAccess.Find(store, organizationId, command.UserId, ct);
            var pending = await store.QueryAsync<Invitation>(
                "where d.organization_id = ? and d.status = ? and d.expires_at > ?", ct, organizationId, Invitation.Pending, now);
            var refusal = Decide(
                access, command.Wish, await IsMember(command, ct), pending.FirstOrDefault(invitation => invitation.Email == command.Email),
                pending.Count, options.Value);
            refusal ??= await teams.Check(organizationId, command.Wish.TeamIds, ct);
            if (refusal is not null)
                return record.Refuse(organizationId, command.UserId, "invite_member", refusal);
            Organization.Lock(store, organizationId);
            access!.Hold(store);
            teams.Hold(organizationId, command.Wish.TeamIds);
            var expires = now + options.Value.InvitationLifetime;
            var invitation = pending.FirstOrDefault(invitation => invitation.Email == command.Email) is { } old
                ? await Again(old with { ExpiresAt = expires }, ct)
                : New(command, now, expires);
            store.Events.Append(organizationId, new MemberInvited(
                organizationId, command.UserId, invitation.Hash(), invitation.Email, invitation.Role, invitation.CreatedAt == now ? "new" : "again", now,
                addresses.Of(invitation.Email)));
            await mail.Send(access.Organization, invitation, command.BaseUrl, options.Value);
            return invitation;
        }

        private async Task<Invitation> Again(Invitation invitation, CancellationToken ct)
        {
            var stored = await store.LoadRevisionAsync<Invitation>(invitation.Id, ct);
            store.UpdateRevision(invitation, stored?.Number ?? 0);
            return invitation;
        }

        private Invitation New(Command command, DateTimeOffset now, DateTimeOffset expires)
        {
            var invitation = new Invitation(
                Invitation.NewId(), command.OrganizationId, command.Email, string.Join(',', command.Wish.Roles),
                command.Wish.TeamIds.Count == 0 ? null : string.Join(',', command.Wish.TeamIds), Invitation.Pending, expires, now, command.UserId);
            refusals.When(Invitation.PendingIndex, Already);
            // One that ran out stands in the way of the index.
            store.QueueSqlCommand(
                "delete from identity.mt_doc_invitation where organization_id = ? and email = ? and status = ? and expires_at <= ?",
                invitation.OrganizationId, invitation.Email, Invitation.Pending, now);
            store.Insert(invitation);
            Organization.RequireInvitationsAtMost(store, invitation.OrganizationId, options.Value.MaxInvitations, now);
            return invitation;
        }

        private async Task<bool> IsMember(Command command, CancellationToken ct) => (await store.QueryAsync<Member>(
            "where d.organization_id = ? and d.user_id in (select id from identity.mt_doc_user where email = ?)", ct,
            command.OrganizationId, command.Email)).Count > 0;
    }

    internal static Refusal? Decide(
        OrganizationAccess? access, Request wish, bool isMember, Invitation? before, int pending, OrganizationOptions options)
    {
        if (access is null)
            return OrganizationRefusals.MemberNotFound;
        if (!access.May("invitation", "create"))
            return NotAllowed;
        if (wish.Roles.Where(role => !access.Roles.ContainsKey(role)).ToList() is { Count: > 0 } unknown || wish.Roles.Count == 0)
            return OrganizationRefusals.UnknownRoles(wish.Roles.Where(role => !access.Roles.ContainsKey(role))).WithoutCode();
        if (!access.IsOwner && (wish.Roles.Contains(OrganizationRoles.Owner) || before?.Role.Split(',').Contains(OrganizationRoles.Owner) == true))
            return NotThisRole;
        return (isMember, before, wish.Resend) switch
        {
            (true, _, _) => OrganizationRefusals.AlreadyMember,
            (_, not null, false) => Already,
            (_, null, _) when pending >= options.MaxInvitations => TooMany,
            _ => null,
        };
    }
}
