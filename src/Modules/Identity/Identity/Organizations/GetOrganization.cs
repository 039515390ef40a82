using MediatR;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Modular.Kernel;
using Modular.Sessions.Contracts;
using Modular.Store;

namespace Modular.Identity;

/// <summary>
/// A member reads an organization, by default the active one: <c>GET /api/auth/organization/get-organization</c>; <c>null</c>
/// when none is.
/// </summary>
internal static class GetOrganization
{
    internal sealed record Request(string? OrganizationId, string? OrganizationSlug) : IWireInput<Request>
    {
        public static Request Read(WireBody query) => new(query.OptionalString("organizationId"), query.OptionalString("organizationSlug"));
    }

    /// <param name="OrganizationId">Null: only a slug is given, or nothing.</param>
    internal sealed record Query(string UserId, string? OrganizationId, string? OrganizationSlug, string Act) : IRequest<Outcome<Organization?>>;

    internal sealed class Endpoint : ICarterModule
    {
        public void AddRoutes(IEndpointRouteBuilder app) => app
            .MapAuthGet(
                "/organization/get-organization",
                async (Request request, HttpContext context, IMediator mediator, CancellationToken ct) =>
                {
                    var session = (await SignedInExtensions.Identify(context))!;
                    var outcome = await mediator.Send(
                        new Query(session.UserId, session.In(request.OrganizationId), request.OrganizationSlug, "get_organization"), ct);
                    await Unset(outcome, session, mediator, ct);
                    return outcome.ToHttp(organization => WireJson.Ok(organization is null ? null : OrganizationView.Of(organization)));
                })
            .RequireSession()
            .PartOf(AuthGroup.Organization);
    }

    internal sealed class Handler(IDocumentSession store, OrganizationRecord record) : IRequestHandler<Query, Outcome<Organization?>>
    {
        public async Task<Outcome<Organization?>> Handle(Query query, CancellationToken ct)
        {
            var chosen = await OrganizationChoice.Find(store, query.OrganizationId, query.OrganizationSlug, ct);
            if (chosen.Refusal is { } unknown)
                return unknown == OrganizationRefusals.NoneActive ? Outcome.Of<Organization?>(null) : unknown;
            if (await store.LoadAsync<Organization>(chosen.Answer, ct) is not { } organization)
                return OrganizationRefusals.NotFound;
            return await OrganizationAccess.FindMember(store, organization.Id, query.UserId, ct) is null
                ? record.Refuse(organization.Id, query.UserId, query.Act, OrganizationRefusals.NotMemberToRead)
                : Outcome.Of<Organization?>(organization);
        }
    }

    /// <summary>Whoever asks for an organization that is not theirs has none active from then on (contract §7.2).</summary>
    internal static async Task Unset<T>(Outcome<T> outcome, ActiveSession session, IMediator mediator, CancellationToken ct)
    {
        if (outcome.Refusal == OrganizationRefusals.NotMemberToRead && session.OrganizationId is not null)
            await mediator.Send(new SwitchOrganization(session.SessionId, null, null), ct);
    }
}
