namespace Modular.Sessions;

/// <summary>What a node knows of a token: a live session with its answer ready made, or that there is none any more.</summary>
internal sealed class KnownSession
{
    // Estimated: the session's and its user's objects and texts, the places in the tables, and the cookie it is recognized by.
    private const int Overhead = 1_900;

    private KnownSession(TokenHash token, LiveSession? live, byte[] answer) => (Token, Live, Answer) = (token, live, answer);

    public TokenHash Token { get; }

    /// <summary>Null: the session is over for good, and its token never names another.</summary>
    public LiveSession? Live { get; }

    /// <summary>The body of <c>GET /get-session</c>.</summary>
    public byte[] Answer { get; }

    /// <summary>The cookie that it was first found by, signature and all; null: with none yet.</summary>
    public string? Cookie { get; set; }

    /// <summary>Null of a dead session.</summary>
    public string? UserId => Live?.User.Id;

    /// <summary>About what it takes in memory.</summary>
    public int Bytes => Answer.Length + (Live is null ? Overhead / 4 : Overhead) + Extra;

    // Room for what is signed for it later.
    private int Extra { get; init; }

    /// <summary>Up to when the answer is good without a look at the database, UTC ticks.</summary>
    public long GoodUntil { get; private init; }

    /// <summary>How often it was used lately, at most 3; written by many at once, and a lost count is no loss.</summary>
    public byte Uses { get; set; }

    /// <summary>Its place in <see cref="RecentlyUsed"/>.</summary>
    public LinkedListNode<KnownSession>? Place { get; set; }

    public static KnownSession Alive(TokenHash token, LiveSession live, byte[] answer, DateTimeOffset goodUntil, int extra = 0) =>
        new(token, live, answer) { GoodUntil = goodUntil.UtcTicks, Extra = extra };

    public static KnownSession Dead(TokenHash token) => new(token, null, "null"u8.ToArray()) { GoodUntil = long.MaxValue };

    public void Touch()
    {
        // Not written when it is full: a line of memory that nobody writes stays in every core's cache.
        if (Uses < 3)
            Uses++;
    }
}
