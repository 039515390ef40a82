using System.Globalization;
using MediatR;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Modular.Kernel;
using Modular.Store;

namespace Modular.Identity;

/// <summary>A member lists the members of an organization, a page at a time: <c>GET /api/auth/organization/list-members</c>.</summary>
internal static class ListMembers
{
    internal sealed record Request(
        int? Limit, int Offset, string? SortBy, bool Descending, MemberFilter? Filter, string? OrganizationId, string? OrganizationSlug)
        : IWireInput<Request>
    {
        public static Request Read(WireBody query) => new(
            Number(query.OptionalString("limit")) is > 0 and var limit ? limit : null,
            Number(query.OptionalString("offset")) ?? 0,
            query.OptionalOneOf("sortBy", MemberFilter.Fields),
            query.OptionalOneOf("sortDirection", "asc", "desc") == "desc",
            MemberFilter.Read(query),
            query.OptionalString("organizationId"),
            query.OptionalString("organizationSlug"));

        private static int? Number(string? text) =>
            int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number : null;
    }

    internal sealed record Query(string UserId, string? OrganizationId, Request Wish) : IRequest<Outcome<Response>>;

    internal sealed record Response(IReadOnlyList<MemberView> Members, int Total);

    private const int PageSize = 100;

    internal sealed class Endpoint : ICarterModule
    {
        public void AddRoutes(IEndpointRouteBuilder app) => app
            .MapAuthGet("/organization/list-members", async (Request request, HttpContext context, IMediator mediator, CancellationToken ct) =>
            {
                var session = (await SignedInExtensions.Identify(context))!;
                return (await mediator.Send(new Query(session.UserId, session.In(request.OrganizationId), request), ct)).ToHttp(WireJson.Ok);
            })
            .RequireSession()
            .PartOf(AuthGroup.Organization);
    }

    internal sealed class Handler(IDocumentSession store, OrganizationRecord record) : IRequestHandler<Query, Outcome<Response>>
    {
        public async Task<Outcome<Response>> Handle(Query query, CancellationToken ct)
        {
            var chosen = await OrganizationChoice.Find(store, query.OrganizationId, query.Wish.OrganizationSlug, ct);
            if (chosen.Refusal is { } unknown)
                return unknown;
            // All of them: there are never more than an organization may have.
            var members = await store.QueryAsync<Member>("where d.organization_id = ? order by d.created_at, d.id", ct, chosen.Answer);
            if (!members.Any(member => member.UserId == query.UserId))
                return record.Refuse(chosen.Answer, query.UserId, "list_members", OrganizationRefusals.NotMemberHere);
            var (page, total) = Page(members, query.Wish);
            return new Response(await MemberView.WithUsers(store, page, ct), total);
        }
    }

    internal static (IReadOnlyList<Member> Page, int Total) Page(IReadOnlyList<Member> members, Request wish)
    {
        var found = members.Where(member => wish.Filter?.Matches(member) != false).ToList();
        IEnumerable<Member> sorted = wish.SortBy is not { } field ? found
            : wish.Descending ? found.OrderByDescending(member => MemberFilter.ValueOf(member, field), StringComparer.Ordinal)
            : found.OrderBy(member => MemberFilter.ValueOf(member, field), StringComparer.Ordinal);
        return ([.. sorted.Skip(wish.Offset).Take(wish.Limit ?? PageSize)], found.Count);
    }
}

/// <summary>Which members are wanted, by one of their own fields.</summary>
internal sealed record MemberFilter(string Field, string Operator, IReadOnlyList<string> Values)
{
    public static readonly string[] Fields = ["id", "organizationId", "userId", "role", "createdAt"];

    private static readonly string[] Operators =
        ["eq", "ne", "lt", "lte", "gt", "gte", "in", "not_in", "contains", "starts_with", "ends_with"];

    /// <summary>Null: everybody.</summary>
    public static MemberFilter? Read(WireBody query)
    {
        var (field, comparison) = (query.OptionalOneOf("filterField", Fields), query.OptionalOneOf("filterOperator", Operators));
        var values = query.Member("filterValue") is { ValueKind: System.Text.Json.JsonValueKind.Array }
            ? query.OptionalStrings("filterValue")
            : query.OptionalString("filterValue") is { } value ? [value] : [];
        return field is null ? null : new(field, comparison ?? "eq", values ?? []);
    }

    /// <summary>As the wire shows it: times in that form sort as they should.</summary>
    public static string ValueOf(Member member, string field) => field switch
    {
        "id" => member.Id,
        "organizationId" => member.OrganizationId,
        "userId" => member.UserId,
        "role" => member.Role,
        _ => WireJson.Time(member.CreatedAt),
    };

    public bool Matches(Member member)
    {
        var (value, wanted) = (ValueOf(member, Field), Values.Count > 0 ? Values[0] : "");
        return Operator switch
        {
            "ne" => value != wanted,
            "lt" => string.CompareOrdinal(value, wanted) < 0,
            "lte" => string.CompareOrdinal(value, wanted) <= 0,
            "gt" => string.CompareOrdinal(value, wanted) > 0,
            "gte" => string.CompareOrdinal(value, wanted) >= 0,
            "in" => Values.Contains(value),
            "not_in" => !Values.Contains(value),
            "contains" => value.Contains(wanted, StringComparison.Ordinal),
            "starts_with" => value.StartsWith(wanted, StringComparison.Ordinal),
            "ends_with" => value.EndsWith(wanted, StringComparison.Ordinal),
            _ => value == wanted,
        };
    }
}
