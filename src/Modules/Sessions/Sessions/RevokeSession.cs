using MediatR;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Routing;
using Modular.Kernel;
using Modular.Messaging;
using Modular.Store;

namespace Modular.Sessions;

/// <summary>A user ends one of their own sessions, on any device: <c>POST /revoke-session</c>.</summary>
internal static class RevokeSession
{
    internal sealed record Request(string Token) : IWireInput<Request>
    {
        public static Request Read(WireBody body) => new(body.RequiredString("token"));
    }

    /// <param name="Named">A token or a handle.</param>
    internal sealed record Command(string Named, string UserId) : IRequest<Outcome>, IIdempotent;

    internal sealed class Endpoint : ICarterModule
    {
        public void AddRoutes(IEndpointRouteBuilder app) => app
            .MapAuthPost("/revoke-session", async (Request request, Caller caller, IMediator mediator, CancellationToken ct) =>
            {
                var outcome = await mediator.Send(new Command(request.Token, caller.UserId!), ct);
                return outcome.ToHttp(() => WireJson.Ok(new { Status = true }));
            })
            .RequireSession()
            .WithName(nameof(RevokeSession));
    }

    internal sealed class Handler(IDocumentSession store, IMessageBus bus, TimeProvider clock) : IRequestHandler<Command, Outcome>
    {
        public async Task<Outcome> Handle(Command command, CancellationToken ct)
        {
            var named = await store.QueryAsync<Session>(
                "where d.token_hash = ? or d.handle = ?", ct, new SessionToken(command.Named).Hash, command.Named);
            if (named.Count == 0)
                return Outcome.Done;
            var stream = await store.Events.FetchForWriting<Session>(named[0].Id, ct);
            var decided = Decide(stream.Aggregate, command.UserId, clock.GetUtcNow());
            if (decided is not null)
                stream.AppendOne(decided);
            if (decided is SessionRevoked revoked)
                await bus.PublishAsync(new Contracts.SessionsRevoked(revoked.UserId, revoked.At));
            return Outcome.Done;
        }
    }

    /// <summary>
    /// Unknown, foreign and ended sessions are answered alike, as done: nobody learns what exists. But whoever names
    /// somebody else's session holds a secret of theirs, and that is recorded.
    /// </summary>
    internal static object? Decide(Session? session, string userId, DateTimeOffset now) => session switch
    {
        null => null,
        _ when session.IsOver(now) => null,
        _ when session.UserId != userId => new SessionAccessRefused(session.Id, session.UserId, "revoke_session", "not_own_session", now),
        _ => new SessionRevoked(session.Id, session.UserId, "revoked_by_user", now),
    };
}
