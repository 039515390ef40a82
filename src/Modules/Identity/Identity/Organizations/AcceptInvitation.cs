using MediatR;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.Options;
using Modular.Kernel;
using Modular.Sessions.Contracts;
using Modular.Store;

namespace Modular.Identity;

/// <summary>Whoever was invited joins: <c>POST /api/auth/organization/accept-invitation</c>; the organization becomes active.</summary>
internal static class AcceptInvitation
{
    internal sealed record Request(string InvitationId) : IWireInput<Request>
    {
        public static Request Read(WireBody body) => new(body.RequiredString("invitationId"));
    }

    internal sealed record Command(string UserId, string SessionId, string InvitationId) : IRequest<Outcome<Response>>, IIdempotent;

    internal sealed record Response(InvitationView Invitation, MemberView Member);

    internal sealed class Endpoint : ICarterModule
    {
        public void AddRoutes(IEndpointRouteBuilder app) => app
            .MapAuthPost("/organization/accept-invitation", async (Request request, Caller caller, IMediator mediator, CancellationToken ct) =>
                (await mediator.Send(new Command(caller.UserId!, caller.SessionId!, request.InvitationId), ct)).ToHttp(WireJson.Ok))
            .RequireSession()
            .PartOf(AuthGroup.Organization);
    }

    internal sealed class Handler(
        IDocumentSession store, IMediator mediator, OrganizationRecord record, Refusals refusals, InvitedTeams teams, IOptions<OrganizationOptions> options)
        : IRequestHandler<Command, Outcome<Response>>
    {
        public async Task<Outcome<Response>> Handle(Command command, CancellationToken ct)
        {
            var now = record.Now;
            if (await store.LoadAsync<User>(command.UserId, ct) is not { } user)
                return Refusal.Unauthorized();
            var stored = await store.LoadRevisionAsync<Invitation>(command.InvitationId, ct);
            if ((Decide(stored?.Document, user, options.Value, now) ?? await Full(stored!.Document.OrganizationId, ct)) is { } refusal)
                return record.Refuse(stored?.Document.OrganizationId, user.Id, "accept_invitation", refusal);

            var accepted = stored!.Document with { Status = Invitation.Accepted };
            var organizationId = accepted.OrganizationId;
            var member = new Member(Organization.NewId(now), organizationId, user.Id, accepted.Role, now);
            refusals.When(Member.UserIndex, OrganizationRefusals.AlreadyMember);
            Organization.Lock(store, organizationId);
            Organization.HoldUser(store, user.Id);
            // Of several uses at once one finds the invitation as it was.
            store.UpdateRevision(accepted, stored.Number);
            store.Insert(member);
            Organization.RequireMembersAtMost(store, organizationId, options.Value.MaxMembers);
            store.Events.Append(
                organizationId,
                new InvitationAccepted(organizationId, user.Id, accepted.Hash(), now),
                new MemberAdded(organizationId, user.Id, member.Id, member.Role, "invited", now));
            if (await teams.Join(accepted, user.Id, now, ct) is { } noPlace)
                return record.Refuse(organizationId, user.Id, "accept_invitation", noPlace);
            await mediator.Send(new SwitchOrganization(command.SessionId, organizationId, accepted.Teams() is [var only] ? only : null), ct);
            return new Response(InvitationView.Of(accepted), MemberView.Of(member));
        }

        private async Task<Refusal?> Full(string organizationId, CancellationToken ct) =>
            (await store.QueryAsync<Member>("where d.organization_id = ?", ct, organizationId)).Count >= options.Value.MaxMembers
                ? OrganizationRefusals.MembersFull
                : null;
    }

    internal static Refusal? Decide(Invitation? invitation, User user, OrganizationOptions options, DateTimeOffset now) => invitation switch
    {
        null => OrganizationRefusals.InvitationNotFound,
        _ when !invitation.IsOpen(now) => OrganizationRefusals.InvitationNotFound,
        _ when invitation.Email != user.Email => OrganizationRefusals.NotRecipient,
        _ when options.RequireVerifiedEmail && !user.EmailVerified => OrganizationRefusals.NotVerified,
        _ => null,
    };
}
