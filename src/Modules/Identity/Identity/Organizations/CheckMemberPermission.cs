using System.Text.Json;
using MediatR;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Modular.Kernel;
using Modular.Store;

namespace Modular.Identity;

/// <summary>A member asks whether they may do something: <c>POST /api/auth/organization/has-permission</c>.</summary>
internal static class CheckMemberPermission
{
    internal sealed record Request(Statements? Permissions, string? OrganizationId) : IWireInput<Request>
    {
        public static Request Read(WireBody body)
        {
            var name = body.Member("permissions") is null && body.Member("permission") is not null ? "permission" : "permissions";
            return new(Wanted(body, name), body.OptionalString("organizationId"));
        }

        private static Statements? Wanted(WireBody body, string name)
        {
            if (body.RequiredObject(name) is not { } given)
                return null;
            if (given.EnumerateObject().All(IsStatement))
                return new(given.EnumerateObject().DistinctBy(statement => statement.Name).Select(statement => KeyValuePair.Create<string, IReadOnlyList<string>>(
                    statement.Name, [.. statement.Value.EnumerateArray().Select(action => action.GetString()!)])));
            body.Fail(name, "Invalid input: expected arrays of strings");
            return null;
        }

        private static bool IsStatement(JsonProperty statement) => statement.Value.ValueKind == JsonValueKind.Array
            && statement.Value.EnumerateArray().All(action => action.ValueKind == JsonValueKind.String);
    }

    internal sealed record Query(string UserId, string OrganizationId, Statements Permissions) : IRequest<Outcome<bool>>;

    internal static readonly Refusal NotMember = OrganizationRefusals.NotMember with { Status = StatusCodes.Status401Unauthorized };

    internal sealed class Endpoint : ICarterModule
    {
        public void AddRoutes(IEndpointRouteBuilder app) => app
            .MapAuthPost("/organization/has-permission", async (Request request, HttpContext context, IMediator mediator, CancellationToken ct) =>
            {
                var session = (await SignedInExtensions.Identify(context))!;
                if (session.In(request.OrganizationId) is not { } organizationId)
                    return OrganizationRefusals.NoneActive.ToHttp();
                var outcome = await mediator.Send(new Query(session.UserId, organizationId, request.Permissions!), ct);
                return outcome.ToHttp(success => WireJson.Ok(new { Error = (string?)null, Success = success }));
            })
            .RequireSession()
            .PartOf(AuthGroup.Organization);
    }

    internal sealed class Handler(IDocumentSession store, OrganizationRecord record) : IRequestHandler<Query, Outcome<bool>>
    {
        public async Task<Outcome<bool>> Handle(Query query, CancellationToken ct) =>
            await OrganizationAccess.Find(store, query.OrganizationId, query.UserId, ct) is { } access
                ? access.May(query.Permissions)
                : record.Refuse(query.OrganizationId, query.UserId, "has_permission", NotMember);
    }
}
