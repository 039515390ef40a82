using MediatR;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.Options;
using Modular.Kernel;
using Modular.Store;

namespace Modular.Sessions;

/// <summary>
/// An Auth.js application moves the end of a session: <c>POST /api/adapter/update-session</c>. One that is over stays so, and
/// nobody's stays nobody's.
/// </summary>
internal static class UpdateAdapterSession
{
    internal sealed record Request(string? SessionToken, DateTimeOffset? Expires);

    internal sealed record Command(string SessionId, DateTimeOffset Expires) : IRequest<Outcome<Kept>>, IIdempotent;

    /// <param name="Session">Null: it has ended meanwhile.</param>
    internal sealed record Kept(Session? Session);

    internal sealed class Endpoint(ActiveSessions sessions, LiveSessions known) : ICarterModule
    {
        public void AddRoutes(IEndpointRouteBuilder app) => app
            .MapAdapter("/update-session", async (Request request, IMediator mediator, CancellationToken ct) =>
            {
                var live = request.SessionToken is { Length: > 0 } token ? await sessions.FindOfApplication(new SessionToken(token), ct) : null;
                if (live is null)
                    return AdapterRoutes.Answer(null);
                if (request.Expires is not { } expires)
                    return AdapterRoutes.Answer(AuthJsSession.Of(live.Token, live.Session));
                var outcome = await mediator.Send(new Command(live.Session.Id, expires), ct);
                // Also where nothing was to be changed: what is remembered here may be older than the row.
                known.Drop(TokenHash.From(live.Token.Hash));
                return outcome.ToHttp(kept => AdapterRoutes.Answer(kept.Session is { } session ? AuthJsSession.Of(live.Token, session) : null));
            })
            .WithName(nameof(UpdateAdapterSession));
    }

    internal sealed class Handler(IDocumentSession store, Caller caller, TimeProvider clock, IOptions<AuthOptions> options)
        : IRequestHandler<Command, Outcome<Kept>>
    {
        public async Task<Outcome<Kept>> Handle(Command command, CancellationToken ct)
        {
            var stream = await store.Events.FetchForWriting<Session>(command.SessionId, ct);
            var now = clock.GetUtcNow();
            if (stream.Aggregate is not { } session || session.IsOver(now))
                return new Kept(null);
            (caller.UserId, caller.SessionId) = (session.UserId, session.Id);
            if (Decide(session, command.Expires, options.Value.SessionMaxLifetime, now) is not { } moved)
                return new Kept(session);
            stream.AppendOne(moved);
            return new Kept(session.Apply(moved));
        }
    }

    /// <summary>Up to the longest life there is; what is so already is no change.</summary>
    internal static SessionRefreshed? Decide(Session session, DateTimeOffset expires, TimeSpan longest, DateTimeOffset now)
    {
        var cap = session.CreatedAt + longest;
        var until = expires < cap ? expires : cap;
        return until == session.ExpiresAt ? null : new SessionRefreshed(session.Id, session.UserId, until, now);
    }
}
