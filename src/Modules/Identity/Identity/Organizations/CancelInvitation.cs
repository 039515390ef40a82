using MediatR;
using Microsoft.AspNetCore.Routing;
using Modular.Kernel;
using Modular.Store;

namespace Modular.Identity;

/// <summary>A member who may takes an invitation back: <c>POST /api/auth/organization/cancel-invitation</c>.</summary>
internal static class CancelInvitation
{
    internal sealed record Request(string InvitationId) : IWireInput<Request>
    {
        public static Request Read(WireBody body) => new(body.RequiredString("invitationId"));
    }

    internal sealed record Command(string UserId, string InvitationId) : IRequest<Outcome<Invitation>>, IIdempotent;

    internal static readonly Refusal NotAllowed = Refusal.Forbidden("YOU_ARE_NOT_ALLOWED_TO_CANCEL_THIS_INVITATION");

    internal sealed class Endpoint : ICarterModule
    {
        public void AddRoutes(IEndpointRouteBuilder app) => app
            .MapAuthPost("/organization/cancel-invitation", async (Request request, Caller caller, IMediator mediator, CancellationToken ct) =>
            {
                var outcome = await mediator.Send(new Command(caller.UserId!, request.InvitationId), ct);
                return outcome.ToHttp(invitation => WireJson.Ok(InvitationView.Of(invitation)));
            })
            .RequireSession()
            .PartOf(AuthGroup.Organization);
    }

    internal sealed class Handler(IDocumentSession store, OrganizationRecord record) : IRequestHandler<Command, Outcome<Invitation>>
    {
        public async Task<Outcome<Invitation>> Handle(Command command, CancellationToken ct)
        {
            var stored = await store.LoadRevisionAsync<Invitation>(command.InvitationId, ct);
            var access = stored is null ? null : await OrganizationAccess.Find(store, stored.Document.OrganizationId, command.UserId, ct);
            if (Decide(stored?.Document, access) is { } refusal)
                return record.Refuse(stored?.Document.OrganizationId, command.UserId, "cancel_invitation", refusal);
            var canceled = stored!.Document with { Status = Invitation.Canceled };
            Organization.Lock(store, canceled.OrganizationId);
            access!.Hold(store);
            store.UpdateRevision(canceled, stored.Number);
            store.Events.Append(canceled.OrganizationId, new InvitationCanceled(
                canceled.OrganizationId, command.UserId, canceled.Hash(), "canceled", record.Now));
            return canceled;
        }
    }

    /// <summary>What was answered stays answered: an invitation that is no longer open is not found.</summary>
    internal static Refusal? Decide(Invitation? invitation, OrganizationAccess? access) => (invitation, access) switch
    {
        (null, _) => OrganizationRefusals.InvitationNotFound,
        (_, null) => OrganizationRefusals.MemberNotFound,
        (_, { } member) when !member.May("invitation", "cancel") => NotAllowed,
        ({ Status: not Invitation.Pending }, _) => OrganizationRefusals.InvitationNotFound,
        _ => null,
    };
}
