using MediatR;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Modular.Kernel;
using Modular.Store;

namespace Modular.Sessions;

/// <summary>A device signs out: <c>POST /sign-out</c>. Succeeds for everybody, signed in or not.</summary>
internal static class SignOut
{
    internal sealed record Request : IWireInput<Request>
    {
        // What else the client may send concerns providers with a sign-out of their own; only its types are checked.
        public static Request Read(WireBody body)
        {
            body.OptionalString("callbackURL");
            body.OptionalBool("disableRedirect");
            body.OptionalString("state");
            return new();
        }
    }

    internal sealed record Command(SessionToken Token) : IRequest<Outcome>, IIdempotent;

    internal sealed class Endpoint(SessionCookies cookies) : ICarterModule
    {
        public void AddRoutes(IEndpointRouteBuilder app) => app
            .MapAuthPost("/sign-out", new AuthPost { BodyOptional = true }, async (
                Request _, HttpContext context, IMediator mediator, CancellationToken ct) =>
            {
                var outcome = cookies.ReadToken(context) is { } token
                    ? await mediator.Send(new Command(new SessionToken(token)), ct)
                    : Outcome.Done;
                cookies.Clear(context);
                return outcome.ToHttp(() => WireJson.Ok(new { Success = true }));
            })
            .WithName(nameof(SignOut));
    }

    internal sealed class Handler(IDocumentSession store, Caller caller, TimeProvider clock) : IRequestHandler<Command, Outcome>
    {
        public async Task<Outcome> Handle(Command command, CancellationToken ct)
        {
            var found = await store.QueryAsync<Session>("where d.token_hash = ?", ct, command.Token.Hash);
            if (found.Count == 0)
                return Outcome.Done;
            var stream = await store.Events.FetchForWriting<Session>(found[0].Id, ct);
            if (stream.Aggregate is not { } session || Decide(session, clock.GetUtcNow()) is not { } signedOut)
                return Outcome.Done;

            // Nobody asked for the session before: whoever holds its token is its user.
            (caller.UserId, caller.SessionId) = (session.UserId, session.Id);
            stream.AppendOne(signedOut);
            return Outcome.Done;
        }
    }

    /// <summary>A session that ran out of time is left to <see cref="PruneExpiredSessions"/>: it did not end by signing out.</summary>
    internal static SessionSignedOut? Decide(Session session, DateTimeOffset now) =>
        session.IsOver(now) ? null : new SessionSignedOut(session.Id, session.UserId, now);
}
