using MediatR;
using Microsoft.Extensions.Options;
using Modular.Kernel;
using Modular.Store;

namespace Modular.Sessions;

/// <summary>A session in use is given more time, up to its absolute cap; started by the session check, not by a route.</summary>
internal static class RefreshSession
{
    /// <summary>Answers the session as it is afterwards; null when it is over.</summary>
    internal sealed record Command(string SessionId) : IRequest<Session?>, IIdempotent;

    internal sealed class Handler(IDocumentSession store, TimeProvider clock, IOptions<AuthOptions> options) : IRequestHandler<Command, Session?>
    {
        public async Task<Session?> Handle(Command command, CancellationToken ct)
        {
            var stream = await store.Events.FetchForWriting<Session>(command.SessionId, ct);
            var now = clock.GetUtcNow();
            if (stream.Aggregate is not { } session || session.IsOver(now))
                return null;
            if (Decide(session, options.Value, now) is not { } refreshed)
                return session;
            stream.AppendOne(refreshed);
            return session.Apply(refreshed);
        }
    }

    /// <summary>From when on a check has more to do than answer: refresh the session, or find it over.</summary>
    internal static DateTimeOffset DueAt(Session session, AuthOptions options)
    {
        var due = session.ExpiresAt - options.SessionLifetime + options.SessionUpdateAge;
        return session.Remember && due < session.ExpiresAt && session.ExpiresAt < session.CreatedAt + options.SessionMaxLifetime ? due : session.ExpiresAt;
    }

    /// <summary>
    /// Due by the contract's formula (§2.2). Near its cap a session cannot gain anything any more, and is left alone: it
    /// would be due on every request.
    /// </summary>
    internal static SessionRefreshed? Decide(Session session, AuthOptions options, DateTimeOffset now)
    {
        if (!session.Remember || session.IsOver(now) || now < session.ExpiresAt - options.SessionLifetime + options.SessionUpdateAge)
            return null;
        var cap = session.CreatedAt + options.SessionMaxLifetime;
        var until = now + options.SessionLifetime < cap ? now + options.SessionLifetime : cap;
        return until > session.ExpiresAt ? new SessionRefreshed(session.Id, session.UserId, until, now) : null;
    }
}
