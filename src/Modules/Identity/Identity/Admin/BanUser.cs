using MediatR;
using Microsoft.AspNetCore.Routing;
using Modular.Kernel;
using Modular.Store;

namespace Modular.Identity;

/// <summary>An administrator bans a user, for a time or for good, and ends their sessions: <c>POST /api/auth/admin/ban-user</c>.</summary>
internal static class BanUser
{
    internal sealed record Request(string UserId, string? Reason, double? Seconds) : IWireInput<Request>
    {
        public static Request Read(WireBody body)
        {
            var (userId, reason, seconds) = (AdminInput.UserId(body), body.OptionalString("banReason"), body.OptionalNumber("banExpiresIn"));
            AdminInput.CheckReason(body, "banReason", reason);
            if (seconds is < 0 or > LongestSeconds)
                body.Fail("banExpiresIn", $"Invalid input: expected a number from 0 to {LongestSeconds}");
            return new(userId, reason, seconds);
        }
    }

    internal sealed record Command(string ActorId, string UserId, string? Reason, double? Seconds) : IRequest<Outcome<User>>, IIdempotent;

    /// <summary>A hundred years; who wants longer sends none.</summary>
    private const double LongestSeconds = 100.0 * 366 * 24 * 60 * 60;

    internal sealed class Endpoint : ICarterModule
    {
        public void AddRoutes(IEndpointRouteBuilder app) => app
            .MapAuthPost("/admin/ban-user", async (Request request, Caller caller, IMediator mediator, CancellationToken ct) =>
            {
                var outcome = await mediator.Send(new Command(caller.UserId!, request.UserId, request.Reason, request.Seconds), ct);
                return outcome.ToHttp(user => WireJson.Ok(new { User = user.ToPrincipal() }));
            })
            .OfAdmin(nameof(BanUser));
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
            var reason = string.IsNullOrEmpty(command.Reason) ? Standing.NoReason : command.Reason;
            return await standing.Ban(stream, user, command.ActorId, reason, Until(command.Seconds, User.Now(clock)), ct);
        }
    }

    /// <summary>Null: for good. 0 is as good as absent.</summary>
    internal static DateTimeOffset? Until(double? seconds, DateTimeOffset now) => seconds is null or 0 ? null : now.AddSeconds(seconds.Value);
}
