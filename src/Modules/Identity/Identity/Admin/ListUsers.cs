using System.Text.Json.Serialization;
using MediatR;
using Microsoft.AspNetCore.Routing;
using Modular.Identity.Contracts;
using Modular.Kernel;

namespace Modular.Identity;

/// <summary>An administrator searches, filters and pages through the users: <c>GET /api/auth/admin/list-users</c>.</summary>
internal static class ListUsers
{
    internal sealed record Request(
        string? SearchValue, string? SearchField, string? SearchOperator, double? Limit, double? Offset, string? SortBy, string? SortDirection,
        string? FilterField, IReadOnlyList<string>? FilterValue, string? FilterOperator) : IWireInput<Request>
    {
        public static Request Read(WireBody query) => new(
            query.OptionalString("searchValue"),
            query.OptionalOneOf("searchField", "email", "name"),
            query.OptionalOneOf("searchOperator", UserSearch.Patterns),
            UserSearch.Number(query.OptionalString("limit")),
            UserSearch.Number(query.OptionalString("offset")),
            query.OptionalString("sortBy"),
            query.OptionalOneOf("sortDirection", "asc", "desc"),
            query.OptionalString("filterField"),
            query.Member("filterValue") is { ValueKind: System.Text.Json.JsonValueKind.Array }
                ? query.OptionalStrings("filterValue")
                : query.OptionalString("filterValue") is { } one ? [one] : null,
            query.OptionalOneOf("filterOperator", UserSearch.Operators));
    }

    internal sealed record Query(Request Wish) : IRequest<Outcome<Page>>;

    internal sealed record Page(IReadOnlyList<User> Users, long Total);

    internal sealed record Response(
        IEnumerable<SessionPrincipal> Users,
        long Total,
        [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] double? Limit,
        [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] double? Offset);

    internal sealed class Endpoint : ICarterModule
    {
        public void AddRoutes(IEndpointRouteBuilder app) => app
            .MapAuthGet("/admin/list-users", async (Request request, IMediator mediator, CancellationToken ct) =>
            {
                var outcome = await mediator.Send(new Query(request), ct);
                return outcome.ToHttp(page => WireJson.Ok(UserSearch.Of(request) is null
                    ? new Response([], 0, null, null)
                    : new Response(page.Users.Select(user => user.ToPrincipal()), page.Total, request.Limit, request.Offset)));
            })
            .OfAdmin(nameof(ListUsers));
    }

    internal sealed class Handler(AdminGate gate, UserRows rows) : IRequestHandler<Query, Outcome<Page>>
    {
        public async Task<Outcome<Page>> Handle(Query query, CancellationToken ct)
        {
            if (gate.Check(AdminRight.List, target: null) is { } refusal)
                return refusal;
            // A column that nobody knows: nothing is found (contract §7.1).
            return UserSearch.Of(query.Wish) is { } search ? await rows.Find(search, ct) : new Page([], 0);
        }
    }
}
