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

    private StoreDatabase(string pooled, string direct, bool prepareStatements)
    {
        _ownSessions = SameServer(pooled, direct);
        var builder = new NpgsqlDataSourceBuilder(Settings(pooled, prepareStatements));
        builder.UsePhysicalConnectionInitializer(
            connection => EnterEpochAsync(connection).GetAwaiter().GetResult(),
            EnterEpochAsync);
        Pooled = builder.Build();
        Direct = NpgsqlDataSource.Create(new NpgsqlConnectionStringBuilder(Settings(direct, prepare: false))
        {
            CommandTimeout = 0,
            KeepAlive = 30,
            // Notices a dead network also while an answer is awaited, for which there is no time-out here.
            TcpKeepAlive = true,
            // A pooled connection keeps its advisory locks and settings after it is closed; these end with it.
            Pooling = false,
        });
        PreparesStatements = prepareStatements;
    }

    /// <summary>Connections for units of work and queries.</summary>
    public NpgsqlDataSource Pooled { get; }

    /// <summary>Connections that keep session state, each opened anew; never through a transaction pooler.</summary>
    public NpgsqlDataSource Direct { get; }

    /// <summary>Whether statements are prepared on <see cref="Pooled"/>.</summary>
    public bool PreparesStatements { get; }

    /// <summary>The epoch that events written now belong to.</summary>
    public int Epoch => Volatile.Read(ref _epoch);

    /// <summary>Opens the two sources.</summary>
    /// <param name="pooled">Npgsql connection string for units of work; may lead to a transaction pooler.</param>
    /// <param name="direct">Npgsql connection string of the same database without a pooler between.</param>
    /// <param name="prepareStatements">False behind a transaction pooler that keeps no prepared statements.</param>
    public static StoreDatabase Open(string pooled, string? direct = null, bool prepareStatements = true) =>
        new(pooled, direct ?? pooled, prepareStatements);

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
