using MediatR;
using Microsoft.AspNetCore.Routing;
using Modular.Kernel;

namespace Modular.Identity;

/// <summary>A user sees their passkeys: <c>GET /api/auth/passkey/list-user-passkeys</c>.</summary>
internal static class ListPasskeys
{
    internal sealed record Query(string UserId) : IRequest<Outcome<IReadOnlyList<WirePasskey>>>;

    internal sealed class Endpoint : ICarterModule
    {
        public void AddRoutes(IEndpointRouteBuilder app) => app
            .MapAuthGet("/passkey/list-user-passkeys", async (Caller caller, IMediator mediator, CancellationToken ct) =>
                (await mediator.Send(new Query(caller.UserId!), ct)).ToHttp(WireJson.Ok))
            .RequireSession()
            .PartOf(AuthGroup.Passkey);
    }

    internal sealed class Handler(PasskeyStore passkeys) : IRequestHandler<Query, Outcome<IReadOnlyList<WirePasskey>>>
    {
        public async Task<Outcome<IReadOnlyList<WirePasskey>>> Handle(Query query, CancellationToken ct) =>
            Outcome.Of<IReadOnlyList<WirePasskey>>([.. (await passkeys.OfUser(query.UserId, ct)).Select(WirePasskey.Of)]);
    }
}
