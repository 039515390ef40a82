using System.Text.RegularExpressions;
using MediatR;
using Microsoft.Extensions.Options;
using Modular.Kernel;
using Modular.Sessions.Contracts;
using Modular.Store;

namespace Modular.Sessions;

/// <summary>Sessions of another server go on here (<see cref="Contracts.ImportSessions"/>): <c>users import</c>.</summary>
internal static partial class ImportSessions
{
    private const int LongestAgent = 512;

    internal sealed class Handler(IDocumentSession store, TimeProvider clock, IOptions<AuthOptions> options)
        : IRequestHandler<Contracts.ImportSessions, ImportedSessions>
    {
        public async Task<ImportedSessions> Handle(Contracts.ImportSessions command, CancellationToken ct)
        {
            var (now, over) = (clock.GetUtcNow(), 0);
            var wanted = new Dictionary<string, SessionToImport>(StringComparer.Ordinal);
            foreach (var session in command.Sessions)
            {
                if (EndOf(session, options.Value, now) is null)
                    over++;
                else
                    wanted[new SessionToken(session.Token).HashText] = session;
            }

            if (wanted.Count == 0)
                return new(0, over, []);
            var known = (await store.QueryAsync<Session>("where d.token_hash = any (?)", ct, (object)wanted.Keys.Select(SessionToken.HashOf).ToArray())).Select(session => session.TokenHash).ToHashSet();
            var ids = wanted.Values.Select(session => session.Id).Where(id => id is not null && Ids().IsMatch(id)).Select(id => id!).Distinct().ToList();
            var free = (await store.Events.FetchForWriting<Session>(ids, ct)).Where(stream => stream.StartingVersion == 0).Select(stream => stream.Key).ToHashSet();
            foreach (var (hash, session) in wanted.Where(one => !known.Contains(one.Key)))
            {
                var id = session.Id is { } own && free.Remove(own) ? own : Guid.CreateVersion7(now).ToString("N");
                store.Events.StartStream<Session>(id, Decide(session, id, hash, SessionToken.MintHandle(), command.Method, options.Value, now));
            }

            // Whoever came with such a token before it was known here was nobody, and a node may remember that.
            if (known.Count < wanted.Count)
                store.QueueSqlCommand($"select pg_notify('{SessionListener.Channel}', '{LiveSessions.Everybody}')");

            return new(wanted.Count - known.Count, over, [.. wanted.Where(one => known.Contains(one.Key)).Select(one => one.Value.UserId)]);
        }
    }

    /// <summary>When it ends here: as it would have there, but not older than a session may get; null: it is over.</summary>
    internal static DateTimeOffset? EndOf(SessionToImport session, AuthOptions options, DateTimeOffset now)
    {
        var cap = Begin(session, now) + options.SessionMaxLifetime;
        var end = session.ExpiresAt < cap ? session.ExpiresAt : cap;
        return end > now ? end : null;
    }

    internal static SessionStarted Decide(
        SessionToImport session, string id, string hash, string handle, string method, AuthOptions options, DateTimeOffset now) => new(
        id, session.UserId, hash, handle, Remember: true, method, EndOf(session, options, now)!.Value, session.IpAddress,
        session.UserAgent is { Length: > LongestAgent } agent ? agent[..LongestAgent] : session.UserAgent, Begin(session, now));

    // What nobody knows the age of must not do what takes a fresh session. Nor may a clock that is ahead make it younger.
    private static DateTimeOffset Begin(SessionToImport session, DateTimeOffset now) => session.CreatedAt switch
    {
        null => now - ActiveSession.FreshAge - TimeSpan.FromMinutes(1),
        { } begin => begin < now ? begin : now,
    };

    [GeneratedRegex(@"^[A-Za-z0-9_-]{1,64}\z", RegexOptions.CultureInvariant)]
    private static partial Regex Ids();
}
