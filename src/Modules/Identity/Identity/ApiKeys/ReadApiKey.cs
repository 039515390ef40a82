using MediatR;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Routing;
using Modular.Kernel;

namespace Modular.Identity;

/// <summary>A user sees one of their keys: <c>GET /api/auth/api-key/get</c>.</summary>
internal static class ReadApiKey
{
    internal sealed record Request(string? ConfigId, string Id) : IWireInput<Request>
    {
        public static Request Read(WireBody body) => new(body.OptionalString("configId"), body.RequiredString("id"));
    }

    internal sealed record Query(string UserId, string KeyId) : IRequest<Outcome<WireApiKey>>;

    internal sealed class Endpoint : ICarterModule
    {
        public void AddRoutes(IEndpointRouteBuilder app) => app
            .MapAuthGet("/api-key/get", async (Request request, Caller caller, IMediator mediator, CancellationToken ct) =>
                (await mediator.Send(new Query(caller.UserId!, request.Id), ct)).ToHttp(WireJson.Ok))
            .RequireSession()
            .WithName(nameof(ReadApiKey))
            .PartOf(AuthGroup.ApiKey);
    }

    internal sealed class Handler(OwnApiKey own, ApiKeyUses uses) : IRequestHandler<Query, Outcome<WireApiKey>>
    {
        public async Task<Outcome<WireApiKey>> Handle(Query query, CancellationToken ct)
        {
            var found = await own.Find(query.UserId, query.KeyId, "read", ct);
            if (found.Refusal is { } refusal)
                return refusal;
            return (await uses.OfUser(query.UserId, ct)).TryGetValue(query.KeyId, out var use) ? found.Answer.ToWire(use) : ApiKeyRules.NotFound;
        }
    }
}
