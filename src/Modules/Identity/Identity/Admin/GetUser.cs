using MediatR;
using Microsoft.AspNetCore.Routing;
using Modular.Kernel;
using Modular.Store;

namespace Modular.Identity;

/// <summary>An administrator looks at one user: <c>GET /api/auth/admin/get-user</c>.</summary>
internal static class GetUser
{
    internal sealed record Request(string Id) : IWireInput<Request>
    {
        public static Request Read(WireBody query) => new(query.RequiredString("id"));
    }

    internal sealed record Query(string UserId) : IRequest<Outcome<User>>;

    internal sealed class Endpoint : ICarterModule
    {
        public void AddRoutes(IEndpointRouteBuilder app) => app
            .MapAuthGet("/admin/get-user", async (Request request, IMediator mediator, CancellationToken ct) =>
            {
                var outcome = await mediator.Send(new Query(request.Id), ct);
                return outcome.ToHttp(user => WireJson.Ok(user.ToPrincipal()));
            })
            .OfAdmin(nameof(GetUser));
    }

    internal sealed class Handler(AdminGate gate, IDocumentSession store) : IRequestHandler<Query, Outcome<User>>
    {
        public async Task<Outcome<User>> Handle(Query query, CancellationToken ct)
        {
            if (gate.Check(AdminRight.Get, query.UserId) is { } refusal)
                return refusal;
            return await store.LoadAsync<User>(query.UserId, ct) is { } user ? user : AdminRoutes.UserNotFound;
        }
    }
}
