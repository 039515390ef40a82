using System.Net;
using System.Net.Http.Headers;
using System.Net.Sockets;

namespace Modular.Audit;

/// <summary>What became of a batch.</summary>
/// <param name="Error">Null: it was taken.</param>
/// <param name="RetryAfter">When the receiver wants it again; null: it did not say.</param>
/// <param name="IsGone">The receiver wants nothing any more (410).</param>
internal sealed record SinkAnswer(string? Error, TimeSpan? RetryAfter = null, bool IsGone = false);

/// <summary>
/// How sinks are spoken to: no redirects, no proxy, no cookies, nothing read but the status; and only at addresses that are
/// looked at after the name was resolved, so that no name leads into the network the server stands in (OWASP, SSRF).
/// </summary>
internal sealed class SinkHttp : IDisposable
{
    private readonly HttpClient _guarded = Client(isGuarded: true);
    private readonly HttpClient _open = Client(isGuarded: false);

    public void Dispose()
    {
        _guarded.Dispose();
        _open.Dispose();
    }

    public async Task<SinkAnswer> Send(HttpRequestMessage request, SinkOptions sink, DateTimeOffset now, CancellationToken ct)
    {
        using var late = CancellationTokenSource.CreateLinkedTokenSource(ct);
        late.CancelAfter(sink.Timeout);
        // Where http to this machine is allowed at all, it was meant.
        var client = sink.AllowPrivateAddresses || request.RequestUri!.Scheme == Uri.UriSchemeHttp ? _open : _guarded;
        try
        {
            using var response = await client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, late.Token);
            if (response.IsSuccessStatusCode)
                return new SinkAnswer(null);
            return new SinkAnswer($"It answered {(int)response.StatusCode}.", After(response.Headers.RetryAfter, now), response.StatusCode == HttpStatusCode.Gone);
        }
        catch (OperationCanceledException) when (!ct.IsCancellationRequested)
        {
            return new SinkAnswer($"It did not answer within {sink.Timeout.TotalSeconds:0.#} s.");
        }
        catch (Exception failure) when (failure is HttpRequestException or IOException or SocketException)
        {
            return new SinkAnswer(failure.Message);
        }
    }

    /// <summary>Whether anybody on the internet could have it: not this machine's, its network's, or nobody's.</summary>
    internal static bool IsPublic(IPAddress address)
    {
        if (address.IsIPv4MappedToIPv6)
            address = address.MapToIPv4();
        if (IPAddress.IsLoopback(address))
            return false;
        var bytes = address.GetAddressBytes();
        if (address.AddressFamily != AddressFamily.InterNetwork)
        {
            // NAT64 and 6to4 carry an IPv4 address, which may be any.
            return bytes[0] is >= 0x20 and <= 0x3F && !(bytes[0] == 0x20 && bytes[1] == 0x02) && !(bytes[0] == 0x20 && bytes[1] == 0x01 && bytes[2] < 0x02)
                && !(bytes[0] == 0x20 && bytes[1] == 0x01 && bytes[2] == 0x0D && bytes[3] == 0xB8);
        }

        return bytes switch
        {
            [0 or 10 or 127, ..] => false,
            [100, >= 64 and <= 127, ..] => false,
            [169, 254, ..] => false,
            [172, >= 16 and <= 31, ..] => false,
            [192, 168, ..] or [192, 0, 0 or 2, _] or [192, 88, 99, _] => false,
            [198, 18 or 19, ..] or [198, 51, 100, _] or [203, 0, 113, _] => false,
            [>= 224, ..] => false,
            _ => true,
        };
    }

    private static TimeSpan? After(RetryConditionHeaderValue? header, DateTimeOffset now) => header?.Delta ?? (header?.Date - now);

    private static HttpClient Client(bool isGuarded)
    {
        var handler = new SocketsHttpHandler
        {
            AllowAutoRedirect = false,
            UseCookies = false,
            UseProxy = false,
            ConnectTimeout = TimeSpan.FromSeconds(10),
            PooledConnectionLifetime = TimeSpan.FromMinutes(5),
            MaxResponseDrainSize = 16 * 1024,
            ActivityHeadersPropagator = null,
        };
        if (isGuarded)
            handler.ConnectCallback = Connect;
        return new HttpClient(handler)
        {
            Timeout = Timeout.InfiniteTimeSpan,
            DefaultRequestHeaders = { UserAgent = { new ProductInfoHeaderValue("Modular", "1.0") } },
        };
    }

    // To the very address that was looked at: a name may lead elsewhere the next moment.
    private static async ValueTask<Stream> Connect(SocketsHttpConnectionContext context, CancellationToken ct)
    {
        var addresses = await Dns.GetHostAddressesAsync(context.DnsEndPoint.Host, ct);
        if (addresses.Length == 0 || !addresses.All(IsPublic))
            throw new IOException($"{context.DnsEndPoint.Host} leads to a private address, which Audit:Sinks:…:AllowPrivateAddresses has to allow.");
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        try
        {
            await socket.ConnectAsync(addresses, context.DnsEndPoint.Port, ct);
            return new NetworkStream(socket, ownsSocket: true);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }
}
