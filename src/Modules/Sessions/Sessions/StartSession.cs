using MediatR;
using Microsoft.Extensions.Options;
using Modular.Kernel;
using Modular.Messaging;
using Modular.Sessions.Contracts;
using Modular.Store;

namespace Modular.Sessions;

/// <summary>Another module signs a user in on this device, in its own unit of work (<see cref="Contracts.StartSession"/>).</summary>
internal static class StartSession
{
    internal const string TooManySessions = "session_limit";

    /// <summary>Longest life of a session that is not remembered: contract §2.2.</summary>
    private static readonly TimeSpan NotRemembered = TimeSpan.FromDays(1);

    internal sealed class Handler(IDocumentSession store, IMessageBus bus, Caller caller, TimeProvider clock, IOptions<AuthOptions> options)
        : IRequestHandler<Contracts.StartSession, StartedSession>
    {
        public async Task<StartedSession> Handle(Contracts.StartSession command, CancellationToken ct)
        {
            var now = clock.GetUtcNow();
            var token = command.Token is { } given ? new SessionToken(given) : SessionToken.Mint();
            var started = Decide(command, caller, Guid.CreateVersion7(now).ToString("N"), token, SessionToken.MintHandle(), options.Value, now);
            store.Events.StartStream<Session>(started.SessionId, started);
            LastSignIn.Stage(store, started);
            if (options.Value.NewDeviceMail)
                await bus.PublishAsync(new SessionOpened(started.SessionId), new DeliveryOptions { GroupId = started.UserId });
            if (options.Value.MaxSessionsPerUser is { } most)
                await MakeRoom(started, most, ct);
            return new StartedSession(
                started.SessionId, token.Text, command.Remember ? started.ExpiresAt - now : null, started.ExpiresAt, Session.Create(started).ToWire(token.Text));
        }

        // What is read here may be stale when it is committed, so the commit counts again, one sign-in of a user after the
        // other: the loser of a race fails with a ConcurrencyException, which an idempotent command of the caller outlives.
        private async Task MakeRoom(SessionStarted started, int most, CancellationToken ct)
        {
            var live = await store.QueryAsync<Session>("where d.user_id = ? and d.expires_at > ?", ct, started.UserId, started.At);
            foreach (var stream in await store.Events.FetchForWriting<Session>(Oldest(live, most - 1), ct))
            {
                if (stream.Aggregate is { } session)
                    stream.AppendOne(new SessionRevoked(session.Id, session.UserId, TooManySessions, started.At));
            }

            store.QueueSqlCommand("select pg_advisory_xact_lock(hashtextextended('sessions.limit/' || ?::text, 0))", started.UserId);
            store.QueueSqlCommand(
                1,
                "update sessions.mt_doc_session set mt_version = mt_version where id = ? "
                    + "and (select count(*) from sessions.mt_doc_session where user_id = ? and expires_at > ?) <= ?",
                started.SessionId, started.UserId, started.At, most);
        }
    }

    internal static SessionStarted Decide(
        Contracts.StartSession command, Caller caller, string id, SessionToken token, string handle, AuthOptions options, DateTimeOffset now)
    {
        var wished = command.Remember ? options.SessionLifetime : NotRemembered;
        var life = new[] { wished, options.SessionMaxLifetime, command.Life ?? wished }.Min();
        var until = command.ExpiresAt is { } asked ? Earlier(asked, now + options.SessionMaxLifetime) : now + life;
        return new SessionStarted(
            id, command.UserId, token.HashText, handle, command.Remember, command.Method, until, caller.IpAddress, caller.UserAgent, now,
            command.ImpersonatedBy, command.OrganizationId, command.TeamId);
    }

    private static DateTimeOffset Earlier(DateTimeOffset one, DateTimeOffset other) => one < other ? one : other;

    /// <summary>Those that have to go so that only <paramref name="keep"/> stay.</summary>
    internal static IReadOnlyList<string> Oldest(IReadOnlyList<Session> live, int keep) =>
        [.. live.OrderByDescending(session => session.CreatedAt).ThenByDescending(session => session.Id).Skip(keep).Select(session => session.Id)];
}
