using System.Buffers.Text;
using System.Diagnostics;
using System.Net.Sockets;
using System.Text;

namespace Modular.Drills;

/// <summary>What became of some session checks.</summary>
/// <param name="SignedIn">Answered with a session.</param>
/// <param name="Nobody">Answered <c>null</c>: signed out.</param>
/// <param name="Unavailable">Answered 503: the server cannot decide.</param>
/// <param name="Otherwise">Any other answer, or none: a connection that broke, a time-out.</param>
/// <param name="Seconds">How long it took.</param>
/// <param name="Milliseconds">Each check's time, in order of size.</param>
internal sealed record LoadResult(long SignedIn, long Nobody, long Unavailable, long Otherwise, double Seconds, double[] Milliseconds)
{
    public long Checks => SignedIn + Nobody + Unavailable + Otherwise;

    public double PerSecond => Checks / Seconds;

    public double P50 => Statistics.Quantile(Milliseconds, 0.5);

    public double P99 => Statistics.Quantile(Milliseconds, 0.99);
}

/// <summary>
/// Session checks over connections that stay open, each with a thread of its own and blocking sockets: the machine is
/// shared with the servers, and nothing is cheaper.
/// </summary>
/// <param name="cookies">Values of the Cookie header, used in turn.</param>
/// <param name="perSecond">
/// All connections together; 0: the next as soon as the answer is there. A check that could not be sent in time, because the
/// one before it was not answered, counts from when it should have been.
/// </param>
internal sealed class CheckLoad(string url, IReadOnlyList<string> cookies, int connections = 16, double perSecond = 0)
{
    public async Task<LoadResult> Run(CancellationToken until)
    {
        var clock = Stopwatch.StartNew();
        var tallies = await Task.WhenAll(Enumerable.Range(0, connections).Select(at => Task.Factory.StartNew(
            () => Check(at, clock, until), CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default)));
        return new LoadResult(
            tallies.Sum(t => t.SignedIn), tallies.Sum(t => t.Nobody), tallies.Sum(t => t.Unavailable), tallies.Sum(t => t.Otherwise),
            clock.Elapsed.TotalSeconds, [.. tallies.SelectMany(t => t.Milliseconds).Order()]);
    }

    public async Task<LoadResult> Run(TimeSpan time)
    {
        using var over = new CancellationTokenSource(time);
        return await Run(over.Token);
    }

    private Tally Check(int at, Stopwatch clock, CancellationToken until)
    {
        var tally = new Tally();
        var requests = cookies.Where((_, i) => i % connections == at % Math.Min(connections, cookies.Count)).Select(cookie => CheckConnection.Request(url, cookie)).ToArray();
        using var connection = new CheckConnection(url);
        var free = TimeSpan.Zero;
        for (long sent = 0; !until.IsCancellationRequested; sent++)
        {
            var due = perSecond > 0 ? TimeSpan.FromSeconds(((sent * connections) + at) / perSecond) : clock.Elapsed;
            if (due > clock.Elapsed)
                Thread.Sleep(due - clock.Elapsed);
            // A thread that slept too long is not the server's fault, an answer that was late is.
            var from = due > free ? clock.Elapsed : due;
            var answer = connection.Check(requests[sent % requests.Length]);
            free = clock.Elapsed;
            tally.Count(answer, (free - from).TotalMilliseconds);
        }

        return tally;
    }

    private sealed class Tally
    {
        public List<double> Milliseconds { get; } = [];

        public long SignedIn { get; private set; }

        public long Nobody { get; private set; }

        public long Unavailable { get; private set; }

        public long Otherwise { get; private set; }

        public void Count(CheckAnswer answer, double milliseconds)
        {
            Milliseconds.Add(milliseconds);
            SignedIn += answer == CheckAnswer.SignedIn ? 1 : 0;
            Nobody += answer == CheckAnswer.Nobody ? 1 : 0;
            Unavailable += answer == CheckAnswer.Unavailable ? 1 : 0;
            Otherwise += answer == CheckAnswer.Otherwise ? 1 : 0;
        }
    }
}

internal enum CheckAnswer
{
    SignedIn,
    Nobody,
    Unavailable,
    Otherwise,
}

/// <summary>One connection that asks <c>GET /api/auth/get-session</c> and knows as much HTTP as that takes.</summary>
internal sealed class CheckConnection(string url) : IDisposable
{
    private readonly byte[] _answer = new byte[32 * 1024];
    private readonly Uri _url = new(url);
    private Socket? _socket;

    public static byte[] Request(string url, string cookie) =>
        Encoding.ASCII.GetBytes($"GET /api/auth/get-session HTTP/1.1\r\nHost: {new Uri(url).Authority}\r\nCookie: {cookie}\r\n\r\n");

    public void Dispose() => _socket?.Dispose();

    public CheckAnswer Check(byte[] request)
    {
        try
        {
            Open().Send(request);
            return Read();
        }
        catch (SocketException)
        {
            _socket?.Dispose();
            _socket = null;
            return CheckAnswer.Otherwise;
        }
    }

    private Socket Open()
    {
        if (_socket is not null)
            return _socket;
        _socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true, ReceiveTimeout = 30_000 };
        _socket.Connect(_url.Host, _url.Port);
        return _socket;
    }

    private CheckAnswer Read()
    {
        for (int length = 0, read; (read = _socket!.Receive(_answer, length, _answer.Length - length, SocketFlags.None)) > 0;)
        {
            length += read;
            var text = _answer.AsSpan(0, length);
            if (text.IndexOf("\r\n\r\n"u8) is var head and >= 0 && length >= head + 4 + BodyLength(text[..head]))
                return Answer(text, head + 4);
        }

        throw new SocketException((int)SocketError.ConnectionReset);
    }

    private static CheckAnswer Answer(ReadOnlySpan<byte> text, int body) => text["HTTP/1.1 ".Length..][..3] switch
    {
        [(byte)'2', (byte)'0', (byte)'0'] when text[body] == 'n' => CheckAnswer.Nobody,
        [(byte)'2', (byte)'0', (byte)'0'] when text[body] == '{' => CheckAnswer.SignedIn,
        [(byte)'5', (byte)'0', (byte)'3'] => CheckAnswer.Unavailable,
        _ => CheckAnswer.Otherwise,
    };

    private static int BodyLength(ReadOnlySpan<byte> head)
    {
        var name = "\r\nContent-Length: "u8;
        return head.IndexOf(name) is var at and >= 0 && Utf8Parser.TryParse(head[(at + name.Length)..], out int length, out _)
            ? length
            : throw new SocketException((int)SocketError.ProtocolNotSupported);
    }
}
