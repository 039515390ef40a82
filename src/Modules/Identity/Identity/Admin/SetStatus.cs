using MediatR;
using Microsoft.AspNetCore.Routing;
using Modular.Kernel;
using Modular.Store;

namespace Modular.Identity;

/// <summary>
/// An administrator makes a user active, inactive or suspended; whoever is not active cannot sign in, and their sessions end:
/// <c>POST /api/auth/admin/set-status</c>.
/// </summary>
internal static class SetStatus
{
    internal sealed record Request(string UserId, string Status, string? Reason) : IWireInput<Request>
    {
        public static Request Read(WireBody body)
        {
            var (userId, status, reason) = (AdminInput.UserId(body), body.OptionalOneOf("status", UserStatus.Active, UserStatus.Inactive, UserStatus.Suspended), body.OptionalString("reason"));
            AdminInput.CheckReason(body, "reason", reason);
            if (body.Member("status") is null)
                body.Fail("status", "Invalid input: expected active, inactive or suspended");
            return new(userId, status ?? "", reason);
        }
    }

    internal sealed record Command(string ActorId, string UserId, string Status, string? Reason) : IRequest<Outcome<User>>, IIdempotent;

    internal sealed class Endpoint(TimeProvider clock) : ICarterModule
    {
        public void AddRoutes(IEndpointRouteBuilder app) => app
            .MapAuthPost("/admin/set-status", async (Request request, Caller caller, IMediator mediator, CancellationToken ct) =>
            {
                var outcome = await mediator.Send(new Command(caller.UserId!, request.UserId, request.Status, request.Reason), ct);
                return outcome.ToHttp(user => WireJson.Ok(new { Status = user.StatusAt(clock.GetUtcNow()), User = user.ToPrincipal() }));
            })
            .OfAdmin(nameof(SetStatus));
    }

    internal sealed class Handler(AdminGate gate, IDocumentSession store, Standing standing, TimeProvider clock) : IRequestHandler<Command, Outcome<User>>
    {
        public async Task<Outcome<User>> Handle(Command command, CancellationToken ct)
        {
            if (await gate.Enter(AdminRight.Ban, command.UserId, ct) is { } refusal)
                return refusal;
            var stream = await store.Events.FetchForWriting<User>(command.UserId, ct);
            if (stream.Aggregate is not { } user)
                return AdminRoutes.UserNotFound;
            if (user.StatusAt(clock.GetUtcNow()) == command.Status)
                return user;
            if (command.Status == UserStatus.Active)
                return await standing.Unban(stream, user, ct);
            var reason = string.IsNullOrEmpty(command.Reason) ? Standing.NoReason : command.Reason;
            return await standing.Ban(stream, user, command.ActorId, reason, null, ct, inactive: command.Status == UserStatus.Inactive);
        }
    }
}
