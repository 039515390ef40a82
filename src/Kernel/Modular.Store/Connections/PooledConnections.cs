using System.Collections.Concurrent;
using System.Diagnostics;
using Npgsql;

namespace Modular.Store;

/// <summary>
/// Connections for units of work and queries. They carry no session state, so they may lead through a transaction pooler;
/// opening one rides out an outage; statements stay prepared for as long as connections keep them.
/// </summary>
public sealed class PooledConnections : IAsyncDisposable
{
    /// <summary>One that has rested for that long is asked whether it is still there before something is written on it.</summary>
    private static readonly TimeSpan Rest = TimeSpan.FromSeconds(1);

    private readonly Func<bool, NpgsqlDataSource> _build;
    private readonly Action<string> _say;
    private readonly Patience _patience;
    private readonly ConcurrentDictionary<int, long> _used = new();
    private readonly Lock _gate = new();
    private NpgsqlDataSource _source;
    private volatile bool _prepares;

    internal PooledConnections(Func<bool, NpgsqlDataSource> build, bool prepares, TimeSpan patience, Action<string> say)
    {
        _build = build;
        _say = say;
        _patience = new Patience(patience, say);
        _prepares = prepares;
        _source = build(prepares);
    }

    /// <summary>Whether statements are prepared now.</summary>
    public bool PreparesStatements => _prepares;

    /// <summary>A statement that opens its own connection; see <see cref="PooledCommand"/>.</summary>
    public PooledCommand CreateCommand(string sql = "") => new(this, sql);

    /// <summary>One that is alive, for more than one statement.</summary>
    public Task<NpgsqlConnection> OpenConnectionAsync(CancellationToken ct = default) => Open(mustLive: true, ct);

    /// <summary>Closes every connection, those in use when they are given back.</summary>
    public void Clear() => Volatile.Read(ref _source).Clear();

    public ValueTask DisposeAsync()
    {
        _patience.Dispose();
        return _source.DisposeAsync();
    }

    /// <param name="mustLive">What is sent on it cannot be sent again.</param>
    /// <param name="ct">Stops waiting.</param>
    internal async Task<NpgsqlConnection> Open(bool mustLive, CancellationToken ct)
    {
        while (true)
        {
            NpgsqlConnection connection;
            try
            {
                connection = await OpenOnce(ct);
            }
            catch (Exception failure) when (Outage.MayPass(failure))
            {
                connection = await _patience.Outlast(failure, OpenOnce, ct);
            }

            var isGiven = false;
            try
            {
                if (isGiven = !mustLive || await IsAlive(connection, ct))
                    return connection;
            }
            finally
            {
                // Also where whoever asked for it has gone meanwhile.
                if (!isGiven)
                    await connection.DisposeAsync();
            }
        }
    }

    private async Task<NpgsqlConnection> OpenOnce(CancellationToken ct)
    {
        while (true)
        {
            var source = Volatile.Read(ref _source);
            try
            {
                return await source.OpenConnectionAsync(ct);
            }
            catch (Exception) when (Volatile.Read(ref _source) != source)
            {
                // It prepares statements, and that has just been found to be wrong.
            }
        }
    }

    /// <summary>Another connection has been found to be there after an outage.</summary>
    internal void Works() => _patience.Over();

    /// <summary>
    /// Draws what a failure on one connection means for the others. True when what was sent was certainly not executed,
    /// and may be sent again.
    /// </summary>
    internal bool Learn(Exception failure)
    {
        if (Outage.IsForgottenStatement(failure))
        {
            StopPreparing($"a statement was gone ({failure.Message})");
            return true;
        }

        // Whoever has cut this one has cut others.
        if (Outage.IsBroken(failure))
            Clear();
        return false;
    }

    /// <summary>From here on statements are sent as they are: slower, and right behind any pooler.</summary>
    internal void StopPreparing(string reason)
    {
        NpgsqlDataSource old;
        lock (_gate)
        {
            if (!_prepares)
                return;
            _prepares = false;
            old = Interlocked.Exchange(ref _source, _build(false));
        }

        _say($"Statements are no longer prepared: {reason}. Connections do not keep them; everything works, slower.");
        // Closes those that rest; those in use are closed when they are given back.
        _ = old.DisposeAsync().AsTask();
    }

    // What the other side has closed while nobody looked is found out by asking only. By the number of its server process,
    // or what a pooler says in its place.
    private async Task<bool> IsAlive(NpgsqlConnection connection, CancellationToken ct)
    {
        var now = Stopwatch.GetTimestamp();
        if (_used.Count > 10_000)
            _used.Clear();
        var process = connection.ProcessID;
        // One that has only been read on is not known here.
        var isRested = !_used.TryGetValue(process, out var last) || Stopwatch.GetElapsedTime(last, now) > Rest;
        _used[process] = now;
        if (!isRested)
            return true;
        try
        {
            await using var ping = new NpgsqlCommand("select 1", connection);
            await ping.ExecuteScalarAsync(ct);
            return true;
        }
        catch (Exception failure) when (Outage.IsBroken(failure) || Outage.IsForgottenStatement(failure))
        {
            _used.TryRemove(process, out _);
            Learn(failure);
            return false;
        }
    }
}
