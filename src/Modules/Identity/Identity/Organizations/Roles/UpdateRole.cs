using MediatR;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Modular.Kernel;
using Modular.Store;

namespace Modular.Identity;

/// <summary>
/// A member changes what a role of their organization allows, to what they hold themselves, at once for everybody who has
/// it: <c>POST /api/auth/organization/update-role</c>.
/// </summary>
internal static class UpdateRole
{
    internal sealed record Request(string? OrganizationId, RoleKey Role, string? NewName, Permission? Permission) : IWireInput<Request>
    {
        public static Request Read(WireBody body)
        {
            var organizationId = body.OptionalString("organizationId");
            var data = body.RequiredObject("data");
            var permission = data is { } given && given.TryGetProperty("permission", out var member) ? member : default(System.Text.Json.JsonElement?);
            // Upstream takes an empty name for none.
            var name = TeamNames.OfData(body, data, "roleName") is { Length: > 0 } text ? text : null;
            return new(
                organizationId, RoleKey.Read(body), RoleNames.Check(body, "data.roleName", name),
                Permission.Read(body, permission, "data.permission", required: false));
        }
    }

    internal sealed record Command(string UserId, string? OrganizationId, RoleKey Role, string? NewName, Permission? Permission)
        : IRequest<Outcome<RoleView>>, IIdempotent;

    internal static readonly Refusal NotAllowed = Refusal.Forbidden("YOU_ARE_NOT_ALLOWED_TO_UPDATE_A_ROLE", "You are not allowed to update a role");

    internal sealed class Endpoint : ICarterModule
    {
        public void AddRoutes(IEndpointRouteBuilder app) => app
            .MapAuthPost("/organization/update-role", async (Request request, HttpContext context, IMediator mediator, CancellationToken ct) =>
            {
                var session = (await SignedInExtensions.Identify(context))!;
                var command = new Command(
                    session.UserId, OwnRoles.Chosen(request.OrganizationId, session), request.Role, request.NewName, request.Permission);
                var outcome = await mediator.Send(command, ct);
                return outcome.Refusal is { } refusal
                    ? RoleRefusals.ToHttp(refusal)
                    : WireJson.Ok(new { Success = true, RoleData = outcome.Answer });
            })
            .RequireSession()
            .PartOf(AuthGroup.Organization);
    }

    internal sealed class Handler(IDocumentSession store, Refusals refusals, OrganizationRecord record) : IRequestHandler<Command, Outcome<RoleView>>
    {
        public async Task<Outcome<RoleView>> Handle(Command command, CancellationToken ct)
        {
            var actor = command.OrganizationId is { } id ? await OrganizationAccess.Find(store, id, command.UserId, ct) : null;
            var roles = actor is null ? [] : await OwnRoles.Of(store, actor.Organization.Id, ct);
            var role = roles.FirstOrDefault(command.Role.Names);
            var isHeld = role is not null && await OwnRoles.AnyoneHolds(store, role, ct);
            if (Decide(command, actor, role, roles, isHeld) is { } refusal)
                return record.Refuse(command.OrganizationId, command.UserId, "update_role", refusal);

            var (old, now) = (role!, record.Now);
            var updated = old with { Role = command.NewName ?? old.Role, Permission = command.Permission?.ToJson() ?? old.Permission, UpdatedAt = now };
            if (updated with { UpdatedAt = old.UpdatedAt } == old)
                return RoleView.Of(old);
            Organization.Lock(store, old.OrganizationId);
            actor!.Hold(store);
            refusals.When(OrganizationRole.NameIndex, RoleRefusals.NameTaken);
            // Nobody has changed it meanwhile; nor, when it gets another name, does anybody hold it by the old one.
            store.QueueSqlCommand(
                1,
                $"update identity.mt_doc_organization_role set mt_version = mt_version where id = ? and data ->> 'permission' = ? and role = ? and (? or not {OwnRoles.IsHeld})",
                old.Id, old.Permission, old.Role, updated.Role == old.Role, old.OrganizationId, old.Role);
            store.Update(updated);
            store.Events.Append(old.OrganizationId, new OrganizationRoleUpdated(
                old.OrganizationId, old.Id, updated.Role, Permission.Parse(updated.Permission).Statements, now));
            // Upstream's answer still has the time of the update before.
            return RoleView.Of(updated with { UpdatedAt = old.UpdatedAt });
        }
    }

    internal static Refusal? Decide(
        Command command, OrganizationAccess? actor, OrganizationRole? role, IReadOnlyList<OrganizationRole> roles, bool isHeld) => actor switch
        {
            _ when command.OrganizationId is null => RoleRefusals.NoActiveOrganization,
            null => RoleRefusals.NotAMember,
            _ when !actor.May("ac", "update") => NotAllowed,
            _ when role is null => RoleRefusals.NotFound,
            _ when command.Permission?.HasUnknownResource() == true => RoleRefusals.InvalidResource,
            _ when command.Permission?.MissingOf(actor) is { Count: > 0 } missing => RoleRefusals.Lacking(NotAllowed, missing),
            _ when command.NewName is null || command.NewName == role.Role => null,
            _ when OrganizationRoles.Default.ContainsKey(command.NewName) || roles.Any(other => other.Role == command.NewName) => RoleRefusals.NameTaken,
            // Members hold a role by its name: one that is left behind would be anybody's who makes a role of that name later.
            _ when isHeld => RoleRefusals.Assigned,
            _ => null,
        };
}

/// <param name="Role">Its name from now on.</param>
internal sealed record OrganizationRoleUpdated(
    string OrganizationId, string RoleId, string Role, IReadOnlyDictionary<string, IReadOnlyList<string>> Permission, DateTimeOffset At);
