using MediatR;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Modular.Kernel;

namespace Modular.Identity;

/// <summary>An administrator deletes a user with everything that is theirs: <c>POST /api/auth/admin/remove-user</c>.</summary>
internal static class RemoveUser
{
    internal sealed record Request(string UserId) : IWireInput<Request>
    {
        public static Request Read(WireBody body) => new(AdminInput.UserId(body));
    }

    internal sealed record Command(string ActorId, string UserId, string BaseUrl) : IRequest<Outcome>, IIdempotent;

    internal static readonly Refusal NotYourself = Refusal.BadRequest("YOU_CANNOT_REMOVE_YOURSELF", "You cannot remove yourself");

    internal sealed class Endpoint(PublicAddress address) : ICarterModule
    {
        public void AddRoutes(IEndpointRouteBuilder app) => app
            .MapAuthPost("/admin/remove-user", async (Request request, HttpContext context, Caller caller, IMediator mediator, CancellationToken ct) =>
            {
                var outcome = await mediator.Send(new Command(caller.UserId!, request.UserId, address.For(context).ToString()), ct);
                return outcome.ToHttp(() => WireJson.Ok(new { Success = true }));
            })
            .OfAdmin(nameof(RemoveUser));
    }

    internal sealed class Handler(AdminGate gate, Removal removal) : IRequestHandler<Command, Outcome>
    {
        // Never the last administrator: whoever removes one is another, and still is at the commit.
        public async Task<Outcome> Handle(Command command, CancellationToken ct)
        {
            if (await gate.Enter(AdminRight.Delete, command.UserId, ct) is { } refusal)
                return refusal;
            if (command.UserId == command.ActorId)
                return gate.Refuse(NotYourself, command.UserId);
            return await removal.Remove(command.UserId, Standing.ByAdministrator, command.BaseUrl, ct) ? Outcome.Done : AdminRoutes.UserNotFound;
        }
    }
}
