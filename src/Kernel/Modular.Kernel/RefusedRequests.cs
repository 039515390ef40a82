using System.Buffers.Binary;
using System.Collections.Concurrent;
using System.Net;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Options;

namespace Modular.Kernel;

/// <summary>Why a request was refused that names nobody; the numbers are never stored.</summary>
public enum RefusedKind
{
    /// <summary>A session's cookie that we did not sign.</summary>
    ForgedCookie = 1,

    /// <summary>A token that names no session or request of ours, or none any more.</summary>
    UnknownToken,

    /// <summary>One request too many.</summary>
    RateLimit,

    /// <summary>A page of an origin that is not trusted, or of none.</summary>
    ForeignOrigin,

    /// <summary>An Auth.js application without the right key.</summary>
    AdapterKey,

    /// <summary>An API key that is none of ours.</summary>
    ApiKey,

    /// <summary>A program that wants to verify keys without the key for that.</summary>
    VerifierKey,

    /// <summary>A webhook whose signature is missing or wrong.</summary>
    WebhookSignature,
}

/// <summary>So many refusals of a kind, from one network, in one minute.</summary>
/// <param name="Network">As <c>192.0.2.0</c>; null: unknown, or of more networks than are told apart.</param>
/// <param name="Bits">24 of an IPv4 network, 48 of an IPv6 one, 0 of none.</param>
/// <param name="Minute">When it began.</param>
public sealed record RefusedCount(RefusedKind Kind, string? Network, int Bits, DateTimeOffset Minute, long Count);

/// <summary>
/// Counts, in memory, refusals of requests that name nobody, or anybody could fill the log (DESIGN §7, "What is an entry").
/// A count is a look-up and an interlocked increment, and allocates nothing but once per network and minute.
/// </summary>
public sealed class RefusedRequests(TimeProvider clock, IOptions<AuthOptions> options)
{
    /// <summary>Networks and kinds that are told apart in a minute; those beyond are counted per kind.</summary>
    public const int MostNetworks = 1_000;

    /// <summary>Minutes that wait to be taken, while the database is away; the oldest are forgotten first.</summary>
    public const int MostMinutes = 10;

    private const int KindShift = 56;
    private const ulong IsV4 = 1UL << 55;
    private const ulong IsV6 = 1UL << 54;

    private readonly Lock gate = new();
    private readonly Queue<Minute> ended = new();
    private Minute current = new(0);

    /// <summary>Counts one more, of the network that the request comes from.</summary>
    public void Count(RefusedKind kind, HttpContext context) => Count(kind, CallerExtensions.ClientOf(context, options.Value));

    /// <summary>The same of a network that is known otherwise.</summary>
    public void Count(RefusedKind kind, IPAddress? address)
    {
        var now = clock.GetUtcNow().UtcTicks / TimeSpan.TicksPerMinute;
        var minute = Volatile.Read(ref current);
        if (minute.Number != now)
            minute = Turn(now);
        minute.Add(((ulong)kind << KindShift) | NetworkOf(address));
    }

    /// <summary>The counts of minutes that are over, or all there are; each is taken once.</summary>
    /// <param name="all">Also of the minute that is under way: the server stops.</param>
    public IReadOnlyList<RefusedCount> Take(bool all = false)
    {
        // Not at the very end of a minute: whoever read the clock before it may not have counted yet.
        var over = (clock.GetUtcNow() - TimeSpan.FromSeconds(1)).UtcTicks / TimeSpan.TicksPerMinute;
        lock (gate)
        {
            if (all || current.Number < over)
                Turn(all ? 0 : over);
            var taken = ended.SelectMany(minute => minute.Counts()).ToList();
            ended.Clear();
            return taken;
        }
    }

    private Minute Turn(long number)
    {
        lock (gate)
        {
            if (current.Number == number)
                return current;
            if (!current.IsEmpty)
                ended.Enqueue(current);
            while (ended.Count > MostMinutes)
                ended.Dequeue();
            Volatile.Write(ref current, new Minute(number));
            return current;
        }
    }

    // The first 24 bits of an IPv4 address, the first 48 of an IPv6 one.
    private static ulong NetworkOf(IPAddress? address)
    {
        Span<byte> bytes = stackalloc byte[16];
        if (address?.TryWriteBytes(bytes, out var length) != true)
            return 0;
        return length == 4
            ? IsV4 | (BinaryPrimitives.ReadUInt32BigEndian(bytes) >> 8)
            : IsV6 | (BinaryPrimitives.ReadUInt64BigEndian(bytes) >> 16);
    }

    private sealed class Minute(long number)
    {
        private readonly ConcurrentDictionary<ulong, StrongCount> counts = new();
        private int networks;

        public long Number => number;

        public bool IsEmpty => counts.IsEmpty;

        public void Add(ulong key)
        {
            if (!counts.TryGetValue(key, out var count))
                count = Admit(key);
            Interlocked.Increment(ref count.Value);
        }

        public IEnumerable<RefusedCount> Counts() => counts.Select(pair => Of(pair.Key, Interlocked.Read(ref pair.Value.Value)));

        private StrongCount Admit(ulong key)
        {
            if (Volatile.Read(ref networks) >= MostNetworks)
                key = key >> KindShift << KindShift;
            else
                Interlocked.Increment(ref networks);
            return counts.GetOrAdd(key, static _ => new StrongCount());
        }

        private RefusedCount Of(ulong key, long count)
        {
            var (network, bits) = Describe(key);
            return new RefusedCount(
                (RefusedKind)(key >> KindShift), network?.ToString(), bits, new DateTimeOffset(number * TimeSpan.TicksPerMinute, TimeSpan.Zero), count);
        }

        private static (IPAddress? Network, int Bits) Describe(ulong key)
        {
            Span<byte> bytes = stackalloc byte[16];
            bytes.Clear();
            if ((key & IsV4) != 0)
            {
                BinaryPrimitives.WriteUInt32BigEndian(bytes, (uint)(key << 8));
                return (new IPAddress(bytes[..4]), 24);
            }

            if ((key & IsV6) == 0)
                return (null, 0);
            BinaryPrimitives.WriteUInt64BigEndian(bytes, key << 16);
            return (new IPAddress(bytes), 48);
        }
    }

    /// <summary>A number that many threads add to.</summary>
    private sealed class StrongCount
    {
        public long Value;
    }
}

/// <summary>
/// Keeps refusals that name an account and that no module has told itself: the Audit module does, before the caller is
/// answered.
/// </summary>
public interface IAccessLog
{
    /// <summary>
    /// Whether a module's own event of a refusal is still stored: of a caller who is known only so many a minute are, or
    /// somebody who is signed in could fill the disk. Those beyond come to <see cref="Refused"/>, which counts.
    /// </summary>
    bool MayTell(Caller caller);

    /// <summary>Tells that the caller was not let do what was asked for.</summary>
    Task Refused(HttpContext context, Refusal refusal);
}
