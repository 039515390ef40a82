using MediatR;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Modular.Kernel;
using Modular.Store;

namespace Modular.Identity;

/// <summary>A member who may gives another a role or several: <c>POST /api/auth/organization/update-member-role</c>.</summary>
internal static class UpdateMemberRole
{
    internal sealed record Request(IReadOnlyList<string> Roles, string MemberId, string? OrganizationId) : IWireInput<Request>
    {
        public static Request Read(WireBody body) => new(
            OrganizationLimits.Names(body, "role", required: true) ?? [], body.RequiredString("memberId"), body.OptionalString("organizationId"));
    }

    internal sealed record Command(string UserId, string OrganizationId, string MemberId, IReadOnlyList<string> Roles)
        : IRequest<Outcome<Member>>, IIdempotent;

    internal static readonly Refusal NoRole = Refusal.BadRequest("BAD_REQUEST").WithoutBody();

    internal static readonly Refusal NotAllowed = Refusal.Forbidden("YOU_ARE_NOT_ALLOWED_TO_UPDATE_THIS_MEMBER");

    internal sealed class Endpoint : ICarterModule
    {
        public void AddRoutes(IEndpointRouteBuilder app) => app
            .MapAuthPost("/organization/update-member-role", async (Request request, HttpContext context, IMediator mediator, CancellationToken ct) =>
            {
                var session = (await SignedInExtensions.Identify(context))!;
                if (request.Roles.Count == 0)
                    return NoRole.ToHttp();
                if (session.In(request.OrganizationId) is not { } organizationId)
                    return OrganizationRefusals.NoneActive.ToHttp();
                var outcome = await mediator.Send(new Command(session.UserId, organizationId, request.MemberId, request.Roles), ct);
                return outcome.ToHttp(member => WireJson.Ok(MemberView.Of(member)));
            })
            .RequireSession()
            .PartOf(AuthGroup.Organization);
    }

    internal sealed class Handler(IDocumentSession store, OrganizationRecord record) : IRequestHandler<Command, Outcome<Member>>
    {
        public async Task<Outcome<Member>> Handle(Command command, CancellationToken ct)
        {
            var (organizationId, roles) = (command.OrganizationId, command.Roles);
            var access = await OrganizationAccess.Find(store, organizationId, command.UserId, ct);
            var stored = await store.LoadRevisionAsync<Member>(command.MemberId, ct);
            var owners = (await store.QueryAsync<Member>("where d.organization_id = ?", ct, organizationId)).Count(member => member.IsOwner());
            if (Decide(access, stored?.Document, roles, owners) is { } refusal)
                return record.Refuse(organizationId, command.UserId, "update_member_role", refusal);
            var updated = stored!.Document with { Role = string.Join(',', roles) };
            if (updated.Role == stored.Document.Role)
                return updated;
            Organization.Lock(store, organizationId);
            access!.Hold(store);
            HoldRoles(access, roles);
            store.UpdateRevision(updated, stored.Number);
            Organization.RequireOwner(store, organizationId);
            store.Events.Append(
                organizationId, new MemberRoleSet(organizationId, updated.UserId, updated.Id, updated.Role, "changed", record.Now));
            return updated;
        }

        // A role of the organization's own that is deleted meanwhile is not given any more.
        private void HoldRoles(OrganizationAccess access, IReadOnlyList<string> roles)
        {
            foreach (var role in roles.Where(role => !OrganizationRoles.Default.ContainsKey(role)))
            {
                store.QueueSqlCommand(
                    1, "update identity.mt_doc_organization_role set mt_version = mt_version where organization_id = ? and role = ?",
                    access.Organization.Id, role);
            }
        }
    }

    /// <param name="owners">How many there are.</param>
    internal static Refusal? Decide(OrganizationAccess? access, Member? member, IReadOnlyList<string> roles, int owners)
    {
        if (access is null || member is null || member.OrganizationId != access.Organization.Id)
            return OrganizationRefusals.MemberNotFound;
        var makesOwner = roles.Contains(OrganizationRoles.Owner);
        if (!access.IsOwner && (member.IsOwner() || makesOwner))
            return NotAllowed;
        if (member.IsOwner() && !makesOwner && owners <= 1)
            return OrganizationRefusals.WithoutOwner;
        if (!access.IsOwner && !access.May("member", "update"))
            return NotAllowed;
        return roles.Where(role => !access.Roles.ContainsKey(role)).ToList() is { Count: > 0 } unknown
            ? OrganizationRefusals.UnknownRoles(unknown)
            : null;
    }
}
