using MediatR;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Modular.Kernel;
using Modular.Store;

namespace Modular.Identity;

/// <summary>A member deletes a role that nobody holds: <c>POST /api/auth/organization/delete-role</c>.</summary>
internal static class DeleteRole
{
    internal sealed record Request(string? OrganizationId, RoleKey Role) : IWireInput<Request>
    {
        public static Request Read(WireBody body) => new(body.OptionalString("organizationId"), RoleKey.Read(body));
    }

    internal sealed record Command(string UserId, string? OrganizationId, RoleKey Role) : IRequest<Outcome>, IIdempotent;

    internal static readonly Refusal NotAllowed = Refusal.Forbidden("YOU_ARE_NOT_ALLOWED_TO_DELETE_A_ROLE", "You are not allowed to delete a role");

    internal static readonly Refusal PreDefined = Refusal.BadRequest("CANNOT_DELETE_A_PRE_DEFINED_ROLE", "Cannot delete a pre-defined role");

    internal sealed class Endpoint : ICarterModule
    {
        public void AddRoutes(IEndpointRouteBuilder app) => app
            .MapAuthPost("/organization/delete-role", async (Request request, HttpContext context, IMediator mediator, CancellationToken ct) =>
            {
                var session = (await SignedInExtensions.Identify(context))!;
                var outcome = await mediator.Send(new Command(session.UserId, OwnRoles.Chosen(request.OrganizationId, session), request.Role), ct);
                return outcome.ToHttp(() => WireJson.Ok(new { Success = true }));
            })
            .RequireSession()
            .PartOf(AuthGroup.Organization);
    }

    internal sealed class Handler(IDocumentSession store, OrganizationRecord record) : IRequestHandler<Command, Outcome>
    {
        public async Task<Outcome> Handle(Command command, CancellationToken ct)
        {
            var actor = command.OrganizationId is { } id ? await OrganizationAccess.Find(store, id, command.UserId, ct) : null;
            var role = actor is null ? null : (await OwnRoles.Of(store, actor.Organization.Id, ct)).FirstOrDefault(command.Role.Names);
            var isHeld = role is not null && await OwnRoles.AnyoneHolds(store, role, ct);
            if (Decide(command, actor, role, isHeld) is { } refusal)
                return record.Refuse(command.OrganizationId, command.UserId, "delete_role", refusal);

            Organization.Lock(store, role!.OrganizationId);
            actor!.Hold(store);
            // Asked again at the commit: who gives it to somebody at the same time comes before or after, never between.
            store.QueueSqlCommand(
                1,
                $"delete from identity.mt_doc_organization_role where id = ? and role = ? and not {OwnRoles.IsHeld}",
                role.Id, role.Role, role.OrganizationId, role.Role);
            store.Events.Append(role.OrganizationId, new OrganizationRoleDeleted(role.OrganizationId, role.Id, role.Role, record.Now));
            return Outcome.Done;
        }
    }

    internal static Refusal? Decide(Command command, OrganizationAccess? actor, OrganizationRole? role, bool isHeld) => actor switch
    {
        _ when command.OrganizationId is null => RoleRefusals.NoActiveOrganization,
        null => RoleRefusals.NotAMember,
        _ when !actor.May("ac", "delete") => NotAllowed,
        _ when command.Role.Name is { } name && OrganizationRoles.Default.ContainsKey(name) => PreDefined,
        _ when role is null => RoleRefusals.NotFound,
        _ when isHeld => RoleRefusals.Assigned,
        _ => null,
    };
}

internal sealed record OrganizationRoleDeleted(string OrganizationId, string RoleId, string Role, DateTimeOffset At);
