using MediatR;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.Options;
using Modular.Kernel;
using Modular.Store;

namespace Modular.Identity;

/// <summary>A member makes a role of what they hold themselves: <c>POST /api/auth/organization/create-role</c>.</summary>
internal static class CreateRole
{
    internal sealed record Request(string? OrganizationId, string Role, Permission? Permission) : IWireInput<Request>
    {
        public static Request Read(WireBody body) => new(
            body.OptionalString("organizationId"),
            RoleNames.Check(body, "role", body.RequiredString("role")) ?? "",
            Permission.Read(body, body.Member("permission"), "permission", required: true));
    }

    internal sealed record Command(string UserId, string? OrganizationId, string Role, Permission Permission) : IRequest<Outcome<RoleView>>, IIdempotent;

    internal static readonly Refusal NoOrganization = Refusal.BadRequest(
        "YOU_MUST_BE_IN_AN_ORGANIZATION_TO_CREATE_A_ROLE", "You must be in an organization to create a role");

    internal static readonly Refusal NotAllowed = Refusal.Forbidden("YOU_ARE_NOT_ALLOWED_TO_CREATE_A_ROLE", "You are not allowed to create a role");

    internal static readonly Refusal TooMany = Refusal.BadRequest("TOO_MANY_ROLES", "This organization has too many roles");

    internal sealed class Endpoint : ICarterModule
    {
        public void AddRoutes(IEndpointRouteBuilder app) => app
            .MapAuthPost("/organization/create-role", async (Request request, HttpContext context, IMediator mediator, CancellationToken ct) =>
            {
                var session = (await SignedInExtensions.Identify(context))!;
                var outcome = await mediator.Send(
                    new Command(session.UserId, OwnRoles.Chosen(request.OrganizationId, session), request.Role, request.Permission!), ct);
                return outcome.Refusal is { } refusal
                    ? RoleRefusals.ToHttp(refusal)
                    : WireJson.Ok(new { Success = true, RoleData = outcome.Answer, Statements = outcome.Answer.Permission });
            })
            .RequireSession()
            .PartOf(AuthGroup.Organization);
    }

    internal sealed class Handler(IDocumentSession store, Refusals refusals, OrganizationRecord record, IOptions<TeamOptions> options)
        : IRequestHandler<Command, Outcome<RoleView>>
    {
        public async Task<Outcome<RoleView>> Handle(Command command, CancellationToken ct)
        {
            var actor = command.OrganizationId is { } id ? await OrganizationAccess.Find(store, id, command.UserId, ct) : null;
            var roles = actor is null ? [] : await OwnRoles.Of(store, actor.Organization.Id, ct);
            if (Decide(command, actor, roles, options.Value.MaxRoles) is { } refusal)
                return record.Refuse(command.OrganizationId, command.UserId, "create_role", refusal);

            var (organizationId, now) = (actor!.Organization.Id, record.Now);
            var role = new OrganizationRole(Organization.NewId(now), organizationId, command.Role, command.Permission.ToJson(), now, null);
            // Counted again at the commit: of those who make one at the same time only as many get through as fit.
            Organization.Lock(store, organizationId);
            actor.Hold(store);
            store.QueueSqlCommand(
                1,
                """
                update identity.mt_doc_organization set mt_version = mt_version
                where id = ? and (select count(*) from identity.mt_doc_organization_role where organization_id = ?) < ?
                """,
                organizationId, organizationId, options.Value.MaxRoles);
            refusals.When(OrganizationRole.NameIndex, RoleRefusals.NameTaken);
            store.Insert(role);
            store.Events.Append(
                organizationId, new OrganizationRoleCreated(organizationId, role.Id, role.Role, command.Permission.Statements, now));
            return RoleView.Of(role);
        }
    }

    /// <summary>In upstream's order: the three names are taken for everybody, member or not.</summary>
    internal static Refusal? Decide(Command command, OrganizationAccess? actor, IReadOnlyList<OrganizationRole> roles, int most) => actor switch
    {
        _ when command.OrganizationId is null => NoOrganization,
        _ when OrganizationRoles.Default.ContainsKey(command.Role) => RoleRefusals.NameTaken,
        null => RoleRefusals.NotAMember,
        _ when !actor.May("ac", "create") => NotAllowed,
        _ when roles.Count >= most => TooMany,
        _ when command.Permission.HasUnknownResource() => RoleRefusals.InvalidResource,
        _ when command.Permission.MissingOf(actor) is { Count: > 0 } missing => RoleRefusals.Lacking(NotAllowed, missing),
        _ when roles.Any(role => role.Role == command.Role) => RoleRefusals.NameTaken,
        _ => null,
    };
}

internal sealed record OrganizationRoleCreated(
    string OrganizationId, string RoleId, string Role, IReadOnlyDictionary<string, IReadOnlyList<string>> Permission, DateTimeOffset At);
