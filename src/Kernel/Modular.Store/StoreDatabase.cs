using Npgsql;

namespace Modular.Store;

/// <summary>
/// The two ways to one PostgreSQL: <see cref="Pooled"/> carries no session state and may go through a transaction
/// pooler; <see cref="Direct"/> is for LISTEN, advisory locks, migrations and COPY (DESIGN §8).
/// </summary>
public sealed class StoreDatabase : IAsyncDisposable
{
    /// <summary>The epoch that events written now belong to; see <see cref="FeedPosition"/>.</summary>
    private int _epoch = 1;

    /// <summary>Whether <see cref="Pooled"/> leads to PostgreSQL itself, so that its sessions are this process's own.</summary>
    private readonly bool _ownSessions;

    /// <summary>Whether statements are prepared only because nothing stands between, which each connection has to show.</summary>
    private readonly bool _onlyWithoutPooler;

    private Action<string> _log = _ => { };

    private StoreDatabase(string pooled, string direct, bool prepareStatements, TimeSpan patience, bool maySleep, bool onlyWithoutPooler)
    {
        _onlyWithoutPooler = onlyWithoutPooler;
        MaySleep = maySleep;
        _ownSessions = SameServer(pooled, direct);
        Pooled = new PooledConnections(prepares => Build(pooled, prepares), prepareStatements, patience, sentence => _log(sentence));
        Direct = NpgsqlDataSource.Create(new NpgsqlConnectionStringBuilder(Settings(direct, prepare: false))
        {
            CommandTimeout = 0,
            // By queries, unless they would keep a database awake that nobody uses.
            KeepAlive = maySleep ? 0 : 30,
            // Notices a dead network also while an answer is awaited, for which there is no time-out here.
            TcpKeepAlive = true,
            TcpKeepAliveTime = 30,
            TcpKeepAliveInterval = 10,
            // A pooled connection keeps its advisory locks and settings after it is closed; these end with it.
            Pooling = false,
        });
    }

    /// <summary>Connections for units of work and queries.</summary>
    public PooledConnections Pooled { get; }

    /// <summary>Connections that keep session state, each opened anew; never through a transaction pooler.</summary>
    public NpgsqlDataSource Direct { get; }

    /// <summary>Whether the database goes to sleep when nobody uses it: then nothing is asked of it while nothing happens.</summary>
    public bool MaySleep { get; }

    /// <summary>The epoch that events written now belong to.</summary>
    public int Epoch => Volatile.Read(ref _epoch);

    /// <summary>Opens the two sources.</summary>
    /// <param name="pooled">Npgsql connection string for units of work; may lead to a transaction pooler.</param>
    /// <param name="direct">Npgsql connection string of the same database without a pooler between.</param>
    /// <param name="prepareStatements">False behind a transaction pooler that keeps no prepared statements.</param>
    /// <param name="patience">How long an outage may have lasted for a unit of work to wait for its end.</param>
    /// <param name="maySleep">It goes to sleep when nobody uses it, as serverless ones do.</param>
    /// <param name="onlyWithoutPooler">Prepare statements only as long as every connection leads to PostgreSQL itself.</param>
    public static StoreDatabase Open(
        string pooled, string? direct = null, bool prepareStatements = true, TimeSpan patience = default, bool maySleep = false,
        bool onlyWithoutPooler = false) =>
        new(pooled, direct ?? pooled, prepareStatements, patience, maySleep, onlyWithoutPooler);

    /// <summary>Where outages and what is found out about connections are told.</summary>
    public void LogTo(Action<string> log) => _log = log;

    public async ValueTask DisposeAsync()
    {
        await Pooled.DisposeAsync();
        await Direct.DisposeAsync();
    }

    /// <summary>Connections learn the epoch at the same time and in any order; it never falls.</summary>
    internal void RaiseEpoch(int epoch)
    {
        var known = Epoch;
        while (known < epoch)
            known = Interlocked.CompareExchange(ref _epoch, epoch, known) is var found && found == known ? epoch : found;
    }

    private NpgsqlDataSource Build(string pooled, bool prepares)
    {
        // By that name its metrics go; without one they would tell the connection string.
        var builder = new NpgsqlDataSourceBuilder(Settings(pooled, prepares)) { Name = "modular" };
        builder.UsePhysicalConnectionInitializer(
            connection => EnterAsync(connection, prepares).GetAwaiter().GetResult(),
            connection => EnterAsync(connection, prepares));
        return builder.Build();
    }

    private static string Settings(string connectionString, bool prepare)
    {
        var settings = new NpgsqlConnectionStringBuilder(connectionString)
        {
            // Connections carry no session state, so there is nothing to reset; DISCARD ALL is nearly half of a short command.
            NoResetOnClose = true,
            // Tells which statement of a batch failed.
            IncludeFailedBatchedCommand = true,
            MaxAutoPrepare = prepare ? 256 : 0,
            AutoPrepareMinUsages = 2,
        };
        if (string.IsNullOrEmpty(settings.ApplicationName))
            settings.ApplicationName = "modular";
        return settings.ConnectionString;
    }

    private static bool SameServer(string pooled, string direct)
    {
        var one = new NpgsqlConnectionStringBuilder(pooled);
        var other = new NpgsqlConnectionStringBuilder(direct);
        return (one.Host, one.Port) == (other.Host, other.Port);
    }

    private async Task EnterAsync(NpgsqlConnection connection, bool prepares)
    {
        if (prepares && _onlyWithoutPooler)
        {
            await using var process = new NpgsqlCommand("select pg_backend_pid()", connection);
            if (await process.ExecuteScalarAsync() is int number && number != connection.ProcessID)
            {
                Pooled.StopPreparing("something stands between us and PostgreSQL now");
                throw new InvalidOperationException("This connection may not prepare statements.");
            }
        }

        await EnterEpochAsync(connection);
    }

    // A database restored into another cluster starts a lower transaction counter: events written there must
    // belong to a later epoch, or they would sort before the ones they follow. Checked before a connection may write.
    private async Task EnterEpochAsync(NpgsqlConnection connection)
    {
        await using var exists = new NpgsqlCommand(
            (_ownSessions ? TimeOuts : "") + "select to_regproc('store.enter_epoch') is not null", connection);
        if (await exists.ExecuteScalarAsync() is not true)
            return;

        await using var enter = new NpgsqlCommand("select store.enter_epoch()", connection);
        RaiseEpoch((int)(await enter.ExecuteScalarAsync())!);
    }

    // A transaction that is left open holds every feed of the cluster back, so no session of ours may leave one. Set for
    // the session, because the role may be another application's too, and only where it has no time-outs of its own.
    // Behind a transaction pooler a session is shared with strangers: there the operator sets the role's.
    private const string TimeOuts = """
        do $body$ begin
            if current_setting('statement_timeout') = '0' then
                set statement_timeout = '30s';
            end if;
            if current_setting('idle_in_transaction_session_timeout') = '0' then
                set idle_in_transaction_session_timeout = '10s';
            end if;
        end $body$;
        """;
}
