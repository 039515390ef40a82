using System.Collections.Concurrent;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Modular.Kernel;
using Modular.Store;

namespace Modular.Audit;

/// <summary>
/// Tells refusals that name an account. The first of a session, route and reason in a minute is committed before it is
/// answered; those after it are counted and told together, or somebody who is signed in could fill the disk.
/// </summary>
internal sealed class AccessRefusals(IDocumentStore documents, TimeProvider clock) : IAccessLog
{
    /// <summary>What a session is told apart for in a minute; the rest of it is one count.</summary>
    public const int MostOfSession = 20;

    /// <summary>Refusals of a session's minute that modules tell themselves.</summary>
    public const int MostToldOfSession = 100;

    /// <summary>Sessions that are told apart in a minute, on one node.</summary>
    public const int MostSessions = 5_000;

    private readonly Lock gate = new();
    private readonly Queue<Minute> ended = new();
    private Minute current = new(DateTimeOffset.MinValue);

    public bool MayTell(Caller caller) => caller.UserId is null || MinuteOf(clock.GetUtcNow()).MayTell(caller);

    public async Task Refused(HttpContext context, Refusal refusal)
    {
        var caller = context.RequestServices.GetRequiredService<Caller>();
        var route = $"{context.Request.Method} {(context.GetEndpoint() as RouteEndpoint)?.RoutePattern.RawText ?? "?"}";
        var reason = refusal.Code.ToLowerInvariant();
        var now = clock.GetUtcNow();
        if (!MinuteOf(now).IsFirst(caller, new Refusing(route, reason)))
            return;
        await using var session = documents.LightweightSession(MetadataOf(caller));
        session.Events.Append(StreamKey(now), new AccessRefused(caller.UserId!, route, reason, 1, Milliseconds(now)));
        // Told also where the client has hung up.
        await session.SaveChangesAsync(CancellationToken.None);
    }

    /// <summary>Repeats of minutes that are over, or all; each is taken once.</summary>
    public IReadOnlyList<(EventMetadata Metadata, AccessRefused Event)> Take(bool all)
    {
        var now = clock.GetUtcNow();
        lock (gate)
        {
            if (all || current.Began < Began(now - TimeSpan.FromSeconds(1)))
                Turn(Began(now));
            var taken = ended.SelectMany(minute => minute.Repeats(Milliseconds(now))).ToList();
            ended.Clear();
            return taken;
        }
    }

    public static string StreamKey(DateTimeOffset now) => $"refused:{Guid.CreateVersion7(now):N}";

    public static DateTimeOffset Milliseconds(DateTimeOffset now) => new(now.UtcTicks - (now.UtcTicks % TimeSpan.TicksPerMillisecond), TimeSpan.Zero);

    private static DateTimeOffset Began(DateTimeOffset now) => new(now.UtcTicks - (now.UtcTicks % TimeSpan.TicksPerMinute), TimeSpan.Zero);

    private static EventMetadata MetadataOf(Caller caller) => new()
    {
        Actor = caller.UserId,
        SessionId = caller.SessionId,
        OrganizationId = caller.OrganizationId,
        IpAddress = caller.IpAddress,
        UserAgent = caller.UserAgent,
        CorrelationId = caller.RequestId.Length == 0 ? null : caller.RequestId,
    };

    private Minute MinuteOf(DateTimeOffset now)
    {
        lock (gate)
        {
            if (current.Began != Began(now))
                Turn(Began(now));
            return current;
        }
    }

    private void Turn(DateTimeOffset began)
    {
        ended.Enqueue(current);
        while (ended.Count > RefusedRequests.MostMinutes)
            ended.Dequeue();
        current = new Minute(began);
    }

    private sealed record Refusing(string? Route, string Reason);

    private sealed class Minute(DateTimeOffset began)
    {
        private static readonly Refusing Several = new(null, "several");

        private readonly ConcurrentDictionary<string, OfSession> sessions = new();

        public DateTimeOffset Began => began;

        /// <summary>Counts it; whether it is the first of its kind.</summary>
        // Of somebody beyond those that are told apart not even the first is told: it takes thousands who are signed in.
        public bool IsFirst(Caller caller, Refusing refusing) => Of(caller)?.Count(refusing) == true;

        public bool MayTell(Caller caller) => Of(caller)?.MayTell() == true;

        private OfSession? Of(Caller caller)
        {
            var key = $"{caller.UserId} {caller.SessionId}";
            if (sessions.TryGetValue(key, out var session))
                return session;
            return sessions.Count < MostSessions ? sessions.GetOrAdd(key, _ => new OfSession(MetadataOf(caller))) : null;
        }

        public IEnumerable<(EventMetadata, AccessRefused)> Repeats(DateTimeOffset now) =>
            from session in sessions.Values
            from repeat in session.Repeats()
            select (session.Metadata, new AccessRefused(session.Metadata.Actor!, repeat.Refusing.Route, repeat.Refusing.Reason, repeat.Count, now, began));

        private sealed class OfSession(EventMetadata metadata)
        {
            private readonly Dictionary<Refusing, long> counts = [];

            private int told;

            public EventMetadata Metadata => metadata;

            public bool MayTell() => Interlocked.Increment(ref told) <= MostToldOfSession;

            public bool Count(Refusing refusing)
            {
                lock (counts)
                {
                    if (counts.Count >= MostOfSession && !counts.ContainsKey(refusing))
                        refusing = Several;
                    var before = counts.GetValueOrDefault(refusing);
                    counts[refusing] = before + 1;
                    return before == 0 && refusing != Several;
                }
            }

            // Without the first of each, which is told already.
            public IReadOnlyList<(Refusing Refusing, long Count)> Repeats()
            {
                lock (counts)
                {
                    return [.. counts
                        .Select(pair => (pair.Key, Count: pair.Key == Several ? pair.Value : pair.Value - 1))
                        .Where(repeat => repeat.Count > 0)];
                }
            }
        }
    }
}
