using System.Globalization;
using System.Net.Sockets;
using System.Text;

namespace Modular.Drills;

/// <summary>An answer, or what became of the connection instead: 0, and the reason as its body.</summary>
/// <param name="Head">Status line and headers, as they came.</param>
internal sealed record RawAnswer(int Status, string Head, byte[] Body, bool StaysOpen)
{
    public string Text => Encoding.Latin1.GetString(Body);
}

/// <summary>
/// HTTP/1.1 over a socket, for requests that no client library would send. Knows as much of the protocol as it takes to
/// read an answer.
/// </summary>
internal sealed class RawHttp(string host, int port) : IDisposable
{
    private const int LongestHead = 64 * 1024;

    private TcpClient? _connection;
    private byte[] _rest = [];

    public void Dispose() => Close();

    /// <summary>The next request gets another connection.</summary>
    public void Close()
    {
        _connection?.Dispose();
        _connection = null;
        _rest = [];
    }

    /// <summary>Sends these bytes and reads one answer.</summary>
    /// <param name="request">The whole request.</param>
    /// <param name="isHead">Whether the answer has no body whatever its headers say.</param>
    /// <param name="ends">Whether nothing follows: the server is told so.</param>
    public async Task<RawAnswer> Send(byte[] request, bool isHead, bool ends, CancellationToken ct)
    {
        for (var fresh = _connection is null; ; fresh = true)
        {
            var answer = await Try(request, isHead, ends, ct);
            if (!answer.StaysOpen || ends)
                Close();
            // The server may close a connection that was idle; another one then gets the same request.
            if (answer.Status != 0 || fresh)
                return answer;
        }
    }

    private async Task<RawAnswer> Try(byte[] request, bool isHead, bool ends, CancellationToken ct)
    {
        try
        {
            if (_connection is null)
            {
                _connection = new TcpClient { NoDelay = true };
                await _connection.ConnectAsync(host, port, ct);
            }

            var stream = _connection.GetStream();
            // An answer may come before the request has been read to its end; then the rest is not taken.
            var sending = Write(stream, request, ends, ct);
            var answer = await Read(stream, isHead, ct);
            return answer with { StaysOpen = answer.StaysOpen && await sending };
        }
        catch (Exception gone) when (gone is IOException or SocketException)
        {
            return new RawAnswer(0, "", Encoding.UTF8.GetBytes(gone.Message), StaysOpen: false);
        }
    }

    private async Task<bool> Write(NetworkStream stream, byte[] request, bool ends, CancellationToken ct)
    {
        try
        {
            await stream.WriteAsync(request, ct);
            if (ends)
                _connection!.Client.Shutdown(SocketShutdown.Send);
            return true;
        }
        catch (Exception gone) when (gone is IOException or SocketException or ObjectDisposedException or NullReferenceException)
        {
            return false;
        }
    }

    private async Task<RawAnswer> Read(NetworkStream stream, bool isHead, CancellationToken ct)
    {
        var (status, head) = (100, "");
        while (status is >= 100 and < 200)
        {
            if (await ReadHead(stream, ct) is not { } next)
                return new RawAnswer(0, "", "closed without an answer"u8.ToArray(), StaysOpen: false);
            head = next;
            if (!int.TryParse(head.AsSpan(9, Math.Min(3, Math.Max(0, head.Length - 9))), NumberStyles.None, CultureInfo.InvariantCulture, out status))
                return new RawAnswer(0, head, "no status line"u8.ToArray(), StaysOpen: false);
        }

        var staysOpen = !head.Contains("Connection: close", StringComparison.OrdinalIgnoreCase);
        if (isHead || status is 204 or 304)
            return new RawAnswer(status, head, [], staysOpen);
        if (head.Contains("Transfer-Encoding: chunked", StringComparison.OrdinalIgnoreCase))
            return new RawAnswer(status, head, await ReadChunks(stream, ct), staysOpen);
        if (Header(head, "Content-Length") is { } length)
            return new RawAnswer(status, head, await Take(stream, int.Parse(length, CultureInfo.InvariantCulture), ct), staysOpen);
        return new RawAnswer(status, head, await ReadToEnd(stream, ct), StaysOpen: false);
    }

    private async Task<string?> ReadHead(NetworkStream stream, CancellationToken ct)
    {
        while (true)
        {
            var end = _rest.AsSpan().IndexOf("\r\n\r\n"u8);
            if (end >= 0)
            {
                var head = Encoding.Latin1.GetString(_rest, 0, end);
                _rest = _rest[(end + 4)..];
                return head;
            }

            if (_rest.Length > LongestHead || !await More(stream, ct))
                return null;
        }
    }

    private async Task<byte[]> ReadChunks(NetworkStream stream, CancellationToken ct)
    {
        using var body = new MemoryStream();
        while (true)
        {
            int end;
            while ((end = _rest.AsSpan().IndexOf("\r\n"u8)) < 0)
            {
                if (!await More(stream, ct))
                    return body.ToArray();
            }

            var size = int.Parse(Encoding.Latin1.GetString(_rest, 0, end).Split(';')[0], NumberStyles.HexNumber, CultureInfo.InvariantCulture);
            _rest = _rest[(end + 2)..];
            body.Write(await Take(stream, size, ct));
            await Take(stream, 2, ct);
            if (size == 0)
                return body.ToArray();
        }
    }

    private async Task<byte[]> Take(NetworkStream stream, int count, CancellationToken ct)
    {
        while (_rest.Length < count && await More(stream, ct))
        {
            // Until it is all there, or there is no more.
        }

        var taken = _rest[..Math.Min(count, _rest.Length)];
        _rest = _rest[taken.Length..];
        return taken;
    }

    private async Task<byte[]> ReadToEnd(NetworkStream stream, CancellationToken ct)
    {
        while (await More(stream, ct))
        {
            // Until the server closes.
        }

        return _rest;
    }

    private async Task<bool> More(NetworkStream stream, CancellationToken ct)
    {
        var buffer = new byte[16 * 1024];
        var read = await stream.ReadAsync(buffer, ct);
        _rest = [.. _rest, .. buffer.AsSpan(0, read)];
        return read > 0;
    }

    private static string? Header(string head, string name) => head.Split("\r\n")
        .Where(line => line.StartsWith($"{name}:", StringComparison.OrdinalIgnoreCase))
        .Select(line => line[(name.Length + 1)..].Trim())
        .FirstOrDefault();
}
