using MediatR;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.Options;
using Modular.Kernel;
using Modular.Store;

namespace Modular.Identity;

/// <summary>Whoever was invited will not join: <c>POST /api/auth/organization/reject-invitation</c>.</summary>
internal static class RejectInvitation
{
    internal sealed record Request(string InvitationId) : IWireInput<Request>
    {
        public static Request Read(WireBody body) => new(body.RequiredString("invitationId"));
    }

    internal sealed record Command(string UserId, string InvitationId) : IRequest<Outcome<Invitation>>, IIdempotent;

    internal static readonly Refusal NotFound = Refusal.BadRequest("INVITATION_NOT_FOUND", "Invitation not found!");

    internal sealed class Endpoint : ICarterModule
    {
        public void AddRoutes(IEndpointRouteBuilder app) => app
            .MapAuthPost("/organization/reject-invitation", async (Request request, Caller caller, IMediator mediator, CancellationToken ct) =>
            {
                var outcome = await mediator.Send(new Command(caller.UserId!, request.InvitationId), ct);
                return outcome.ToHttp(invitation => WireJson.Ok(new { Invitation = InvitationView.Of(invitation), Member = (MemberView?)null }));
            })
            .RequireSession()
            .PartOf(AuthGroup.Organization);
    }

    internal sealed class Handler(IDocumentSession store, OrganizationRecord record, IOptions<OrganizationOptions> options)
        : IRequestHandler<Command, Outcome<Invitation>>
    {
        public async Task<Outcome<Invitation>> Handle(Command command, CancellationToken ct)
        {
            if (await store.LoadAsync<User>(command.UserId, ct) is not { } user)
                return Refusal.Unauthorized();
            var stored = await store.LoadRevisionAsync<Invitation>(command.InvitationId, ct);
            if (Decide(stored?.Document, user, options.Value) is { } refusal)
                return record.Refuse(stored?.Document.OrganizationId, user.Id, "reject_invitation", refusal);
            var rejected = stored!.Document with { Status = Invitation.Rejected };
            store.UpdateRevision(rejected, stored.Number);
            store.Events.Append(
                rejected.OrganizationId, new InvitationRejected(rejected.OrganizationId, user.Id, rejected.Hash(), record.Now));
            return rejected;
        }
    }

    /// <summary>One that ran out may be rejected all the same (contract §7.2).</summary>
    internal static Refusal? Decide(Invitation? invitation, User user, OrganizationOptions options) => invitation switch
    {
        null or { Status: not Invitation.Pending } => NotFound,
        _ when invitation.Email != user.Email => OrganizationRefusals.NotRecipient,
        _ when options.RequireVerifiedEmail && !user.EmailVerified => OrganizationRefusals.NotVerified,
        _ => null,
    };
}
