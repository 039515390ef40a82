using MediatR;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Modular.Kernel;
using Modular.Sessions.Contracts;
using Modular.Store;

namespace Modular.Identity;

/// <summary>A member makes an organization, or none, the active one of their session: <c>POST /api/auth/organization/set-active</c>.</summary>
internal static class SetActiveOrganization
{
    internal sealed record Request(WireValue<string> OrganizationId, string? OrganizationSlug) : IWireInput<Request>
    {
        public static Request Read(WireBody body) => new(body.NullableString("organizationId"), body.OptionalString("organizationSlug"));
    }

    /// <param name="OrganizationId">Null, without a slug: none from now on.</param>
    internal sealed record Command(string UserId, string SessionId, string? OrganizationId, string? OrganizationSlug)
        : IRequest<Outcome<Organization?>>, IIdempotent;

    internal sealed class Endpoint(SessionCookies cookies) : ICarterModule
    {
        public void AddRoutes(IEndpointRouteBuilder app) => app
            .MapAuthPost("/organization/set-active", async (Request request, HttpContext context, IMediator mediator, CancellationToken ct) =>
            {
                var session = (await SignedInExtensions.Identify(context))!;
                var unsets = request.OrganizationId is { IsPresent: true, Value: null };
                var id = request.OrganizationId.Value is { Length: > 0 } given ? given : null;
                if (!unsets && id is null && string.IsNullOrEmpty(request.OrganizationSlug))
                    id = session.OrganizationId;
                if (id is null && (unsets ? session.OrganizationId is null : string.IsNullOrEmpty(request.OrganizationSlug)))
                    return WireJson.Ok(null);
                var outcome = await mediator.Send(
                    new Command(session.UserId, session.SessionId, id, unsets || id is not null ? null : request.OrganizationSlug), ct);
                await OrganizationReading.Unset(outcome, session, mediator, ct);
                return outcome.ToHttp(organization =>
                {
                    cookies.Renew(context);
                    return WireJson.Ok(organization is null ? null : OrganizationView.Of(organization));
                });
            })
            .RequireSession()
            .PartOf(AuthGroup.Organization);
    }

    internal sealed class Handler(IDocumentSession store, IMediator mediator, OrganizationRecord record) : IRequestHandler<Command, Outcome<Organization?>>
    {
        public async Task<Outcome<Organization?>> Handle(Command command, CancellationToken ct)
        {
            if (command is { OrganizationId: null, OrganizationSlug: null })
                return await Switch(command, null, ct);
            var chosen = await OrganizationChoice.Find(store, command.OrganizationId, command.OrganizationSlug, ct);
            if (chosen.Refusal is { } unknown)
                return unknown;
            var member = await OrganizationAccess.FindMember(store, chosen.Answer, command.UserId, ct);
            if (member is null || await store.LoadAsync<Organization>(chosen.Answer, ct) is not { } organization)
                return record.Refuse(chosen.Answer, command.UserId, "set_active", OrganizationRefusals.NotMemberToRead);

            // Whoever removes the member, or the organization, meanwhile looks for sessions again.
            store.QueueSqlCommand(1, "update identity.mt_doc_member set mt_version = mt_version + 1 where id = ?", member.Id);
            Organization.Touch(store, organization.Id);
            return await Switch(command, organization, ct);
        }

        private async Task<Outcome<Organization?>> Switch(Command command, Organization? organization, CancellationToken ct) =>
            await mediator.Send(new SwitchOrganization(command.SessionId, organization?.Id, null), ct)
                ? Outcome.Of(organization)
                : Refusal.Unauthorized();
    }
}
