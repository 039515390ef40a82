using System.Collections.Concurrent;
using Microsoft.Extensions.Options;

namespace Modular.Sessions;

/// <summary>
/// The sessions that this node has looked up, by the hash of their token (DESIGN §6): what a check may be answered from
/// while the <see cref="SessionLease"/> holds. Only <see cref="Keep"/> and <see cref="Forget"/> take the lock; a look-up
/// takes none. An entry that is missing means "ask the database", never "signed out".
/// </summary>
internal sealed class LiveSessions(SessionLease lease, IOptions<LiveSessionsOptions> options, LiveSessionsMetrics metrics)
{
    /// <summary>Everybody: after a gap in what the listener heard, or an invalidation that names nobody.</summary>
    public const string Everybody = "";

    /// <summary>Invalidations that a fill can be compared with; one that took longer is not kept.</summary>
    private const int Remembered = 4096;

    private readonly ConcurrentDictionary<TokenHash, KnownSession> sessions = new();
    private readonly ConcurrentDictionary<string, KnownSession> byCookie = new(SameCookie.Comparer);
    private readonly Dictionary<string, HashSet<KnownSession>> byUser = [];
    private readonly bool isOn = options.Value.TableMegabytes > 0;
    private readonly RecentlyUsed order = new(options.Value.TableMegabytes * 1024L * 1024);
    private readonly string[] invalidated = new string[Remembered];
    private readonly Lock gate = new();
    private long generation;

    /// <summary>How many are known, dead ones too.</summary>
    public int Count => sessions.Count;

    /// <summary>What is known of a token's session; null: ask the database.</summary>
    public KnownSession? Find(TokenHash token)
    {
        if (!isOn || !lease.Holds() || !sessions.TryGetValue(token, out var known))
        {
            metrics.Missed();
            return null;
        }

        known.Touch();
        metrics.Hit();
        return known;
    }

    /// <summary>
    /// The session of a cookie that has been checked before, by the whole of it: a signature that was found good stays good,
    /// and need not be computed again. Null: check it.
    /// </summary>
    /// <param name="cookie">As in the header, with its signature.</param>
    public KnownSession? Recognize(ReadOnlySpan<char> cookie)
    {
        if (cookie.IsEmpty || !byCookie.GetAlternateLookup<ReadOnlySpan<char>>().TryGetValue(cookie, out var known) || !lease.Holds())
            return null;
        known.Touch();
        metrics.Hit();
        return known;
    }

    /// <summary>To be called once the cookie's signature has been found good; of several spellings the first stays.</summary>
    public void Remember(KnownSession known, ReadOnlySpan<char> cookie)
    {
        if (known.Cookie is not null || cookie.IsEmpty)
            return;
        lock (gate)
        {
            // It may have left since it was found, and nobody would remove it again.
            if (known.Cookie is null && sessions.TryGetValue(known.Token, out var still) && still == known)
                byCookie[known.Cookie = cookie.ToString()] = known;
        }
    }

    /// <summary>To be called before the database is asked: what is invalidated from here on is not kept.</summary>
    public long BeginFill() => Volatile.Read(ref generation);

    /// <summary>
    /// Keeps what the database answered, unless an invalidation since <paramref name="begun"/> concerns it: the row may be
    /// older than the fact, and nobody could tell afterwards.
    /// </summary>
    public void Keep(long begun, KnownSession known)
    {
        if (!isOn)
            return;
        lock (gate)
        {
            if (!lease.Holds() || Concerns(begun, known.UserId))
            {
                metrics.Discarded();
                return;
            }

            if (sessions.TryGetValue(known.Token, out var older))
                Remove(older);
            sessions[known.Token] = known;
            if (known.UserId is { } user)
                (byUser.TryGetValue(user, out var theirs) ? theirs : byUser[user] = []).Add(known);
            foreach (var evicted in order.Add(known))
                Remove(evicted);
        }
    }

    /// <summary>Forgets one session that was not invalidated: it was refreshed.</summary>
    public void Drop(TokenHash token)
    {
        lock (gate)
        {
            if (sessions.TryGetValue(token, out var known))
                Remove(known);
        }
    }

    /// <summary>Forgets a user's sessions, or <see cref="Everybody"/>'s; a fill that has begun before is not kept.</summary>
    public void Forget(string userId)
    {
        lock (gate)
        {
            invalidated[generation % Remembered] = userId;
            Volatile.Write(ref generation, generation + 1);
            if (userId == Everybody)
            {
                sessions.Clear();
                byCookie.Clear();
                byUser.Clear();
                order.Clear();
            }
            else if (byUser.TryGetValue(userId, out var theirs))
            {
                foreach (var known in theirs.ToArray())
                    Remove(known);
            }
        }
    }

    private bool Concerns(long begun, string? userId)
    {
        if (generation - begun >= Remembered)
            return true;
        for (var at = begun; at < generation; at++)
        {
            // A dead session has no user to be compared with, and stays dead whatever happened.
            if (invalidated[at % Remembered] is var named && (named == Everybody || (userId is not null && named == userId)))
                return true;
        }

        return false;
    }

    private void Remove(KnownSession known)
    {
        sessions.TryRemove(new KeyValuePair<TokenHash, KnownSession>(known.Token, known));
        if (known.Cookie is { } cookie)
            byCookie.TryRemove(new KeyValuePair<string, KnownSession>(cookie, known));
        order.Remove(known);
        if (known.UserId is { } user && byUser.TryGetValue(user, out var theirs) && theirs.Remove(known) && theirs.Count == 0)
            byUser.Remove(user);
    }
}
