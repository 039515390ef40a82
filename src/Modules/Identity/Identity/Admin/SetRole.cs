using MediatR;
using Microsoft.AspNetCore.Routing;
using Modular.Kernel;
using Modular.Store;

namespace Modular.Identity;

/// <summary>An administrator gives a user other roles: <c>POST /api/auth/admin/set-role</c>.</summary>
internal static class SetRole
{
    internal sealed record Request(string UserId, RoleWish? Role) : IWireInput<Request>
    {
        public static Request Read(WireBody body) => new(AdminInput.UserId(body), RoleWish.Read(body, required: true));
    }

    internal sealed record Command(string UserId, RoleWish Role) : IRequest<Outcome<User>>, IIdempotent;

    internal sealed class Endpoint : ICarterModule
    {
        public void AddRoutes(IEndpointRouteBuilder app) => app
            .MapAuthPost("/admin/set-role", async (Request request, IMediator mediator, CancellationToken ct) =>
            {
                var outcome = await mediator.Send(new Command(request.UserId, request.Role!), ct);
                return outcome.ToHttp(user => WireJson.Ok(new { User = user.ToPrincipal() }));
            })
            .OfAdmin(nameof(SetRole));
    }

    internal sealed class Handler(AdminGate gate, IDocumentSession store, Standing standing) : IRequestHandler<Command, Outcome<User>>
    {
        public async Task<Outcome<User>> Handle(Command command, CancellationToken ct)
        {
            if ((await gate.Enter(AdminRight.SetRole, command.UserId, ct) ?? command.Role.Refusal) is { } refusal)
                return refusal;
            var stream = await store.Events.FetchForWriting<User>(command.UserId, ct);
            return stream.Aggregate is { } user ? await standing.SetRole(stream, user, command.Role.Joined, ct) : AdminRoutes.UserNotFound;
        }
    }
}
