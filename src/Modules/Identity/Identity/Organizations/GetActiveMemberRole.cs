using MediatR;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Modular.Kernel;
using Modular.Store;

namespace Modular.Identity;

/// <summary>A member reads their role, or another member's: <c>GET /api/auth/organization/get-active-member-role</c>.</summary>
internal static class GetActiveMemberRole
{
    internal sealed record Request(string? UserId, string? OrganizationId, string? OrganizationSlug) : IWireInput<Request>
    {
        public static Request Read(WireBody query) => new(
            query.OptionalString("userId"), query.OptionalString("organizationId"), query.OptionalString("organizationSlug"));
    }

    internal sealed record Query(string UserId, string? OrganizationId, string? OrganizationSlug, string? OfUserId) : IRequest<Outcome<string>>;

    internal sealed class Endpoint : ICarterModule
    {
        public void AddRoutes(IEndpointRouteBuilder app) => app
            .MapAuthGet("/organization/get-active-member-role", async (Request request, HttpContext context, IMediator mediator, CancellationToken ct) =>
            {
                var session = (await SignedInExtensions.Identify(context))!;
                var outcome = await mediator.Send(
                    new Query(session.UserId, session.In(request.OrganizationId), request.OrganizationSlug, request.UserId), ct);
                return outcome.ToHttp(role => WireJson.Ok(new { Role = role }));
            })
            .RequireSession()
            .PartOf(AuthGroup.Organization);
    }

    internal sealed class Handler(IDocumentSession store, OrganizationRecord record) : IRequestHandler<Query, Outcome<string>>
    {
        public async Task<Outcome<string>> Handle(Query query, CancellationToken ct)
        {
            var chosen = await OrganizationChoice.Find(store, query.OrganizationId, query.OrganizationSlug, ct);
            if (chosen.Refusal is { } unknown)
                return unknown;
            if (await OrganizationAccess.FindMember(store, chosen.Answer, query.UserId, ct) is not { } asking)
                return record.Refuse(chosen.Answer, query.UserId, "get_active_member_role", OrganizationRefusals.NotMemberHere);
            if (string.IsNullOrEmpty(query.OfUserId))
                return asking.Role;
            return await OrganizationAccess.FindMember(store, chosen.Answer, query.OfUserId, ct) is { } asked
                ? asked.Role
                : OrganizationRefusals.NotMemberHere;
        }
    }
}
