using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;

namespace Modular.Drills;

/// <summary>A way to a server that can be cut: so that both ends notice, or so that neither does.</summary>
internal sealed class CutWay : IDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly ConcurrentDictionary<TcpClient, bool> _open = new();
    private readonly string _host;
    private readonly int _port;
    private volatile TaskCompletionSource? _silent;

    public CutWay(string host, int port)
    {
        (_host, _port) = (host, port);
        _listener.Start();
        _ = Accept();
    }

    public IPEndPoint Address => (IPEndPoint)_listener.LocalEndpoint;

    /// <summary>Every connection is reset; the next ones are let through.</summary>
    public void Cut()
    {
        foreach (var connection in _open.Keys)
            connection.Client?.Close(0);
    }

    /// <summary>Nothing comes through any more, in either direction, and nobody is told.</summary>
    public void FallSilent() => _silent = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>What was held back comes through, and everything after it.</summary>
    public void Speak()
    {
        var held = _silent;
        _silent = null;
        held?.TrySetResult();
    }

    public void Dispose()
    {
        _listener.Dispose();
        Speak();
        Cut();
    }

    private async Task Accept()
    {
        try
        {
            while (true)
                _ = Carry(await _listener.AcceptTcpClientAsync());
        }
        catch (Exception closed) when (closed is SocketException or ObjectDisposedException)
        {
            // The drill is over.
        }
    }

    private async Task Carry(TcpClient from)
    {
        using var to = new TcpClient();
        using var _ = from;
        _open[from] = true;
        _open[to] = true;
        try
        {
            await Held();
            await to.ConnectAsync(_host, _port);
            await Task.WhenAny(Copy(from.GetStream(), to.GetStream()), Copy(to.GetStream(), from.GetStream()));
        }
        catch (Exception cut) when (cut is SocketException or IOException or ObjectDisposedException or InvalidOperationException)
        {
            // Both ends see it.
        }
        finally
        {
            _open.TryRemove(from, out bool _);
            _open.TryRemove(to, out bool _);
        }
    }

    private async Task Copy(NetworkStream from, NetworkStream to)
    {
        var buffer = new byte[16 * 1024];
        try
        {
            for (int read; (read = await from.ReadAsync(buffer)) > 0;)
            {
                await Held();
                await to.WriteAsync(buffer.AsMemory(0, read));
            }
        }
        catch (Exception cut) when (cut is IOException or ObjectDisposedException)
        {
            // Whoever waits for either direction closes both.
        }
    }

    private async Task Held()
    {
        if (_silent is { } silence)
            await silence.Task;
    }
}
