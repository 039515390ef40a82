using MediatR;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.Options;
using Modular.Kernel;
using Modular.Store;

namespace Modular.Identity;

/// <summary>An owner ends an organization with all that belongs to it: <c>POST /api/auth/organization/delete</c>.</summary>
internal static class DeleteOrganization
{
    internal sealed record Request(string OrganizationId) : IWireInput<Request>
    {
        public static Request Read(WireBody body) => new(body.RequiredString("organizationId"));
    }

    internal sealed record Command(string UserId, string OrganizationId) : IRequest<Outcome<Organization>>, IIdempotent;

    internal static readonly Refusal Disabled = Refusal.NotFound("ORGANIZATION_DELETION_DISABLED", "Organization deletion is disabled");

    internal static readonly Refusal NotAllowed = Refusal.Forbidden("YOU_ARE_NOT_ALLOWED_TO_DELETE_THIS_ORGANIZATION");

    internal sealed class Endpoint(IOptions<OrganizationOptions> options) : ICarterModule
    {
        public void AddRoutes(IEndpointRouteBuilder app) => app
            .MapAuthPost("/organization/delete", async (Request request, HttpContext context, IMediator mediator, CancellationToken ct) =>
            {
                if (!options.Value.AllowDeletion)
                    return Disabled.ToHttp();
                if (await SignedInExtensions.Identify(context) is not { } session)
                    return Refusal.Unauthorized().WithoutBody().ToHttp();
                if (request.OrganizationId.Length == 0)
                    return OrganizationRefusals.NotFound.ToHttp();
                var outcome = await mediator.Send(new Command(session.UserId, request.OrganizationId), ct);
                return outcome.ToHttp(organization => WireJson.Ok(OrganizationView.Of(organization)));
            })
            .PartOf(AuthGroup.Organization);
    }

    internal sealed class Handler(IDocumentSession store, OrganizationRecord record, Departure departure) : IRequestHandler<Command, Outcome<Organization>>
    {
        public async Task<Outcome<Organization>> Handle(Command command, CancellationToken ct)
        {
            // Before anything that is decided from it: whoever joins or makes it active meanwhile has changed it.
            var stored = await store.LoadRevisionAsync<Organization>(command.OrganizationId, ct);
            var access = await OrganizationAccess.Find(store, command.OrganizationId, command.UserId, ct);
            if (Decide(access) is { } refusal)
                return record.Refuse(command.OrganizationId, command.UserId, "delete", refusal);
            access!.Hold(store);
            await departure.End(stored!, command.UserId, "deleted", ct);
            return stored!.Document;
        }
    }

    internal static Refusal? Decide(OrganizationAccess? access) => access switch
    {
        null => OrganizationRefusals.NotMember,
        _ when !access.May("organization", "delete") => NotAllowed,
        _ => null,
    };
}
