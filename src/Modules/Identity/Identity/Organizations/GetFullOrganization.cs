using System.Globalization;
using MediatR;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Modular.Kernel;
using Modular.Store;

namespace Modular.Identity;

/// <summary>
/// A member reads an organization with members, invitations and teams: <c>GET /api/auth/organization/get-full-organization</c>;
/// <c>null</c> when none is active.
/// </summary>
internal static class GetFullOrganization
{
    internal sealed record Request(string? OrganizationId, string? OrganizationSlug, int? MembersLimit) : IWireInput<Request>
    {
        public static Request Read(WireBody query) => new(
            query.OptionalString("organizationId"), query.OptionalString("organizationSlug"),
            int.TryParse(query.OptionalString("membersLimit"), NumberStyles.None, CultureInfo.InvariantCulture, out var most) && most > 0 ? most : null);
    }

    /// <param name="OrganizationId">Null: only a slug is given, or nothing.</param>
    internal sealed record Query(string UserId, string? OrganizationId, string? OrganizationSlug, int? MembersLimit) : IRequest<Outcome<FullOrganizationView?>>;

    internal sealed class Endpoint : ICarterModule
    {
        public void AddRoutes(IEndpointRouteBuilder app) => app
            .MapAuthGet(
                "/organization/get-full-organization",
                async (Request request, HttpContext context, IMediator mediator, CancellationToken ct) =>
                {
                    var session = (await SignedInExtensions.Identify(context))!;
                    var outcome = await mediator.Send(
                        new Query(session.UserId, session.In(request.OrganizationId), request.OrganizationSlug, request.MembersLimit), ct);
                    await OrganizationReading.Unset(outcome, session, mediator, ct);
                    return outcome.ToHttp(WireJson.Ok);
                })
            .RequireSession()
            .PartOf(AuthGroup.Organization);
    }

    internal sealed class Handler(IDocumentSession store, OrganizationReading reading) : IRequestHandler<Query, Outcome<FullOrganizationView?>>
    {
        public async Task<Outcome<FullOrganizationView?>> Handle(Query query, CancellationToken ct)
        {
            var found = await reading.Find(query.UserId, query.OrganizationId, query.OrganizationSlug, "get_full_organization", ct);
            if (found.Refusal is { } refusal)
                return refusal;
            if (found.Answer is not { } of)
                return Outcome.Of<FullOrganizationView?>(null);
            var members = await store.QueryAsync<Member>("where d.organization_id = ? order by d.created_at, d.id", ct, of.Id);
            var invitations = await store.QueryAsync<Invitation>("where d.organization_id = ? order by d.data ->> 'createdAt', d.id", ct, of.Id);
            var teams = await store.QueryAsync<Team>("where d.organization_id = ? order by d.data ->> 'createdAt', d.id", ct, of.Id);
            var sizes = (await store.QueryAsync<TeamMember>("where d.organization_id = ?", ct, of.Id)).CountBy(member => member.TeamId).ToDictionary();
            return new FullOrganizationView(
                of.Name, of.Slug, of.Logo, of.CreatedAt, of.Metadata, of.Id,
                [.. invitations.Select(InvitationView.Of)],
                await MemberView.WithUsers(store, [.. members.Take(query.MembersLimit ?? int.MaxValue)], ct),
                [.. teams.Select(team => new FullTeamView(
                    team.Name, sizes.GetValueOrDefault(team.Id), team.OrganizationId, team.CreatedAt, team.UpdatedAt, team.Id))]);
        }
    }
}
