using System.Text.Json;
using Microsoft.AspNetCore.Routing;
using Modular.Kernel;

namespace Modular.Identity;

/// <summary>
/// A user asks what they may do: <c>POST /api/auth/admin/has-permission</c>. Has no command: the session's roles answer, and
/// whom the body names does not matter.
/// </summary>
internal static class HasPermission
{
    /// <param name="Permissions">Null: sent by the old name.</param>
    internal sealed record Request(Statements? Permissions) : IWireInput<Request>
    {
        public static Request Read(WireBody body)
        {
            var (permissions, old) = (body.OptionalObject("permissions"), body.OptionalObject("permission"));
            if (body.Root.ValueKind == JsonValueKind.Object && permissions.HasValue == old.HasValue)
                body.Fail("", "Invalid input");
            return new(permissions is { } wanted ? Read(body, wanted) : null);
        }

        private static Statements Read(WireBody body, JsonElement permissions)
        {
            var statements = new Dictionary<string, IReadOnlyList<string>>();
            foreach (var statement in permissions.EnumerateObject())
            {
                if (statement.Value.ValueKind != JsonValueKind.Array || statement.Value.EnumerateArray().Any(action => action.ValueKind != JsonValueKind.String))
                    body.Fail($"permissions.{statement.Name}", "Invalid input: expected array");
                else
                    statements[statement.Name] = [.. statement.Value.EnumerateArray().Select(action => action.GetString()!)];
            }

            return new(statements);
        }
    }

    internal static readonly Refusal NothingAsked = Refusal.BadRequest("NO_PERMISSIONS", "invalid permission check. no permission(s) were passed.").WithoutCode();

    internal sealed class Endpoint : ICarterModule
    {
        public void AddRoutes(IEndpointRouteBuilder app) => app
            .MapAuthPost("/admin/has-permission", (Request request, Caller caller) => request.Permissions is { } wanted
                ? WireJson.Ok(new { Error = (string?)null, Success = AdminRoles.Grant(caller.Roles, wanted) })
                : NothingAsked.ToHttp())
            .OfAdmin(nameof(HasPermission));
    }
}
