using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using Npgsql;

namespace Modular.Testing;

/// <summary>
/// Stands between a server and its database, and does what networks and databases that wake up do: refuses, is slow, cuts,
/// answers that it is starting up.
/// </summary>
public sealed class Gate : IAsyncDisposable
{
    private (string Host, int Port) _server;
    private readonly int _own;
    private readonly ConcurrentDictionary<TcpClient, byte> _open = new();
    private readonly Lock _lock = new();
    private TcpListener? _listener;

    /// <param name="connectionString">Any database of the server behind it.</param>
    /// <param name="isOpen">Whether it lets anybody in from the beginning; else connections are refused.</param>
    public Gate(string connectionString, bool isOpen = true)
    {
        var server = new NpgsqlConnectionStringBuilder(connectionString);
        _server = (server.Host!, server.Port);
        using (var free = new TcpListener(IPAddress.Loopback, 0))
        {
            free.Start();
            _own = ((IPEndPoint)free.LocalEndpoint).Port;
        }

        if (isOpen)
            Open();
    }

    /// <summary>For how long a new connection is held before it leads on.</summary>
    public TimeSpan Delay { get; set; }

    /// <summary>What a new connection is told instead of being led on, as the state and the words of a FATAL error.</summary>
    public (string State, string Words)? Answer { get; set; }

    /// <summary>How many connections were asked for.</summary>
    public int Asked => _asked;

    /// <summary>How many bytes went through, either way.</summary>
    public long Passed => Volatile.Read(ref _passed);

    private int _asked;
    private long _passed;

    /// <summary>The same database, through here.</summary>
    public string Through(string connectionString) =>
        new NpgsqlConnectionStringBuilder(connectionString) { Host = "127.0.0.1", Port = _own }.ConnectionString;

    /// <summary>Another server, or a pooler before it, for those who come from now on.</summary>
    public void LeadTo(string connectionString)
    {
        var server = new NpgsqlConnectionStringBuilder(connectionString);
        _server = (server.Host!, server.Port);
    }

    public void Open()
    {
        var listener = new TcpListener(IPAddress.Loopback, _own);
        listener.Start();
        lock (_lock)
            _listener = listener;
        _ = Accept(listener);
    }

    /// <summary>Refuses everybody, and cuts who is inside.</summary>
    public void Close()
    {
        lock (_lock)
        {
            _listener?.Stop();
            _listener = null;
        }

        Cut();
    }

    /// <summary>Cuts who is inside, as a network does: without a word.</summary>
    public void Cut()
    {
        foreach (var client in _open.Keys)
        {
            // Gone meanwhile: it has none any more.
            client.Client?.LingerState = new LingerOption(true, 0);
            client.Dispose();
        }
    }

    public ValueTask DisposeAsync()
    {
        Close();
        return ValueTask.CompletedTask;
    }

    private async Task Accept(TcpListener listener)
    {
        try
        {
            while (true)
                _ = Serve(await listener.AcceptTcpClientAsync());
        }
        catch (Exception closed) when (closed is SocketException or ObjectDisposedException or InvalidOperationException)
        {
            // That was it.
        }
    }

    private async Task Serve(TcpClient client)
    {
        Interlocked.Increment(ref _asked);
        _open.TryAdd(client, 0);
        using var server = new TcpClient { NoDelay = true };
        _open.TryAdd(server, 0);
        try
        {
            client.NoDelay = true;
            await Task.Delay(Delay);
            if (Answer is { } answer)
            {
                await Refuse(client.GetStream(), answer);
                return;
            }

            await server.ConnectAsync(_server.Host, _server.Port);
            await Task.WhenAny(Copy(client.GetStream(), server.GetStream()), Copy(server.GetStream(), client.GetStream()));
        }
        catch (Exception cut) when (cut is IOException or SocketException or ObjectDisposedException or InvalidOperationException)
        {
            // By whichever side.
        }
        finally
        {
            _open.TryRemove(client, out _);
            _open.TryRemove(server, out _);
            client.Dispose();
        }
    }

    private async Task Copy(NetworkStream from, NetworkStream to)
    {
        var buffer = new byte[65_536];
        while (await from.ReadAsync(buffer) is var count and > 0)
        {
            Interlocked.Add(ref _passed, count);
            await to.WriteAsync(buffer.AsMemory(0, count));
        }
    }

    private static async Task Refuse(NetworkStream stream, (string State, string Words) answer)
    {
        var first = new byte[1024];
        // An SSLRequest is answered before the startup message comes.
        while (await stream.ReadAsync(first) is 8)
            await stream.WriteAsync("N"u8.ToArray());
        byte[] fields = [.. "SFATAL\0VFATAL\0C"u8, .. System.Text.Encoding.UTF8.GetBytes($"{answer.State}\0M{answer.Words}\0"), 0];
        byte[] length = BitConverter.GetBytes(IPAddress.HostToNetworkOrder(fields.Length + 4));
        await stream.WriteAsync((byte[])[(byte)'E', .. length, .. fields]);
    }
}
