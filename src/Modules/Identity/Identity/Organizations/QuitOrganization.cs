using MediatR;
using Microsoft.AspNetCore.Routing;
using Modular.Kernel;
using Modular.Store;

namespace Modular.Identity;

/// <summary>A member leaves an organization: <c>POST /api/auth/organization/leave</c>.</summary>
internal static class QuitOrganization
{
    internal sealed record Request(string OrganizationId) : IWireInput<Request>
    {
        public static Request Read(WireBody body) => new(body.RequiredString("organizationId"));
    }

    internal sealed record Command(string UserId, string OrganizationId) : IRequest<Outcome<MemberView>>, IIdempotent;

    internal sealed class Endpoint : ICarterModule
    {
        public void AddRoutes(IEndpointRouteBuilder app) => app
            .MapAuthPost("/organization/leave", async (Request request, Caller caller, IMediator mediator, CancellationToken ct) =>
                (await mediator.Send(new Command(caller.UserId!, request.OrganizationId), ct)).ToHttp(WireJson.Ok))
            .RequireSession()
            .PartOf(AuthGroup.Organization);
    }

    internal sealed class Handler(IDocumentSession store, OrganizationRecord record, Departure departure) : IRequestHandler<Command, Outcome<MemberView>>
    {
        public async Task<Outcome<MemberView>> Handle(Command command, CancellationToken ct)
        {
            var member = await OrganizationAccess.FindMember(store, command.OrganizationId, command.UserId, ct);
            var stored = member is null ? null : await store.LoadRevisionAsync<Member>(member.Id, ct);
            var owners = (await store.QueryAsync<Member>("where d.organization_id = ?", ct, command.OrganizationId)).Count(other => other.IsOwner());
            if (Decide(stored?.Document, owners) is { } refusal)
                return record.Refuse(command.OrganizationId, command.UserId, "leave", refusal);
            if (await store.LoadAsync<User>(command.UserId, ct) is not { } user)
                return Refusal.Unauthorized();
            await departure.Remove(stored!, "left", ct);
            return MemberView.Of(stored!.Document, user);
        }
    }

    /// <param name="owners">How many there are.</param>
    internal static Refusal? Decide(Member? member, int owners) => member switch
    {
        null => OrganizationRefusals.MemberNotFound,
        _ when member.IsOwner() && owners <= 1 => OrganizationRefusals.OnlyOwner,
        _ => null,
    };
}
