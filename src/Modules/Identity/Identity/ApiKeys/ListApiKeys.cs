using System.Globalization;
using System.Text.Json.Serialization;
using MediatR;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Routing;
using Modular.Kernel;
using Modular.Store;

namespace Modular.Identity;

/// <summary>A user sees their keys, without the keys themselves: <c>GET /api/auth/api-key/list</c>.</summary>
internal static class ListApiKeys
{
    internal sealed record Request(
        string? ConfigId, string? OrganizationId, int? Limit, int? Offset, string? SortBy, string? SortDirection) : IWireInput<Request>
    {
        public static Request Read(WireBody body) => new(
            body.OptionalString("configId"),
            body.OptionalString("organizationId"),
            ReadCount(body, "limit"),
            ReadCount(body, "offset"),
            body.OptionalString("sortBy"),
            body.OptionalOneOf("sortDirection", "asc", "desc"));
    }

    internal sealed record Query(string UserId, Request Request) : IRequest<Outcome<Response>>;

    internal sealed record Response(
        IReadOnlyList<WireApiKey> ApiKeys,
        int Total,
        [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] int? Limit,
        [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] int? Offset);

    internal sealed class Endpoint : ICarterModule
    {
        public void AddRoutes(IEndpointRouteBuilder app) => app
            .MapAuthGet("/api-key/list", async (Request request, Caller caller, IMediator mediator, CancellationToken ct) =>
                !string.IsNullOrEmpty(request.OrganizationId)
                    ? ApiKeyRules.NoOrganizations.ToHttp()
                    : (await mediator.Send(new Query(caller.UserId!, request), ct)).ToHttp(WireJson.Ok))
            .RequireSession()
            .WithName(nameof(ListApiKeys))
            .PartOf(AuthGroup.ApiKey);
    }

    internal sealed class Handler(IDocumentSession store, ApiKeyUses uses) : IRequestHandler<Query, Outcome<Response>>
    {
        public async Task<Outcome<Response>> Handle(Query query, CancellationToken ct)
        {
            if (query.Request.ConfigId is { Length: > 0 } and not "default")
                return new Response([], 0, query.Request.Limit, query.Request.Offset);
            var used = await uses.OfUser(query.UserId, ct);
            var keys = await store.QueryAsync<ApiKey>("where d.user_id = ? order by d.id", ct, query.UserId);
            return Decide([.. keys.Where(key => used.ContainsKey(key.Id)).Select(key => key.ToWire(used[key.Id]))], query.Request);
        }
    }

    internal static Response Decide(IReadOnlyList<WireApiKey> keys, Request request)
    {
        IEnumerable<WireApiKey> sorted = keys;
        if (Sorting(request.SortBy) is { } by)
            sorted = request.SortDirection == "desc" ? keys.OrderByDescending(by, Values) : keys.OrderBy(by, Values);
        var page = sorted.Skip(request.Offset ?? 0);
        return new Response([.. request.Limit is { } limit ? page.Take(limit) : page], keys.Count, request.Limit, request.Offset);
    }

    // Texts as computers order them, whatever the machine's language is.
    private static readonly Comparer<IComparable?> Values = Comparer<IComparable?>.Create((one, other) => (one, other) switch
    {
        (string text, string otherText) => string.CompareOrdinal(text, otherText),
        (null, null) => 0,
        (null, _) => -1,
        (_, null) => 1,
        _ => one.CompareTo(other),
    });

    private static Func<WireApiKey, IComparable?>? Sorting(string? by) => by switch
    {
        "id" => key => key.Id,
        "name" => key => key.Name,
        "start" => key => key.Start,
        "prefix" => key => key.Prefix,
        "enabled" => key => key.Enabled,
        "createdAt" => key => key.CreatedAt,
        "updatedAt" => key => key.UpdatedAt,
        "expiresAt" => key => key.ExpiresAt,
        "lastRequest" => key => key.LastRequest,
        "requestCount" => key => key.RequestCount,
        "remaining" => key => key.Remaining,
        _ => null,
    };

    private static int? ReadCount(WireBody body, string name)
    {
        if (body.OptionalString(name) is not { } text)
            return null;
        if (text.Trim().Length == 0)
            return 0;
        if (!double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out var number) || !double.IsFinite(number))
            body.Fail(name, "Invalid input: expected number, received NaN");
        else if (Math.Floor(number) != number || Math.Abs(number) > int.MaxValue)
            body.Fail(name, "Invalid input: expected int, received number");
        else if (number < 0)
            body.Fail(name, "Too small: expected number to be >=0");
        else
            return (int)number;
        return null;
    }
}
