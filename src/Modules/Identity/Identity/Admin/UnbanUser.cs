using MediatR;
using Microsoft.AspNetCore.Routing;
using Modular.Kernel;
using Modular.Store;

namespace Modular.Identity;

/// <summary>An administrator lets a banned user in again: <c>POST /api/auth/admin/unban-user</c>.</summary>
internal static class UnbanUser
{
    internal sealed record Request(string UserId) : IWireInput<Request>
    {
        public static Request Read(WireBody body) => new(AdminInput.UserId(body));
    }

    internal sealed record Command(string UserId) : IRequest<Outcome<User>>, IIdempotent;

    internal sealed class Endpoint : ICarterModule
    {
        public void AddRoutes(IEndpointRouteBuilder app) => app
            .MapAuthPost("/admin/unban-user", async (Request request, IMediator mediator, CancellationToken ct) =>
            {
                var outcome = await mediator.Send(new Command(request.UserId), ct);
                return outcome.ToHttp(user => WireJson.Ok(new { User = user.ToPrincipal() }));
            })
            .OfAdmin(nameof(UnbanUser));
    }

    internal sealed class Handler(AdminGate gate, IDocumentSession store, Standing standing) : IRequestHandler<Command, Outcome<User>>
    {
        public async Task<Outcome<User>> Handle(Command command, CancellationToken ct)
        {
            if (await gate.Enter(AdminRight.Ban, command.UserId, ct) is { } refusal)
                return refusal;
            var stream = await store.Events.FetchForWriting<User>(command.UserId, ct);
            return stream.Aggregate is { } user ? await standing.Unban(stream, user, ct) : AdminRoutes.UserNotFound;
        }
    }
}
