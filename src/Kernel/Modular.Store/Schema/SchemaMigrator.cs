using Microsoft.Extensions.Logging;
using Npgsql;

namespace Modular.Store;

/// <summary>Where a step stands.</summary>
public enum MigrationState
{
    /// <summary>Applied as this version wants it.</summary>
    Applied,

    /// <summary>Not applied yet, or in an older form.</summary>
    Pending,

    /// <summary>A script that was edited after it had been applied: a mistake, since scripts run once.</summary>
    Edited,
}

/// <summary>A migration step and where it stands.</summary>
public sealed record MigrationStatus(string Schema, string Name, MigrationState State, DateTimeOffset? AppliedAt);

/// <summary>Applies the schema: one node at a time, each step in a transaction of its own, only ever expanding.</summary>
public sealed class SchemaMigrator
{
    /// <summary>Taken by whoever migrates, on a direct connection.</summary>
    internal const long Lock = 0x4D6F64756C617231;

    private readonly StoreDatabase _database;
    private readonly StoreRegistry _registry;
    private readonly KeyRing _keys;
    private readonly ILogger<SchemaMigrator> _log;

    internal SchemaMigrator(StoreDatabase database, StoreRegistry registry, KeyRing keys, ILogger<SchemaMigrator> log)
    {
        _database = database;
        _registry = registry;
        _keys = keys;
        _log = log;
    }

    /// <summary>Every step and where it stands; changes nothing.</summary>
    public async Task<IReadOnlyList<MigrationStatus>> Status(CancellationToken ct = default)
    {
        await using var connection = await _database.Direct.OpenConnectionAsync(ct);
        return [.. (await Compare(connection, ct)).Select(step => step.Status)];
    }

    /// <summary>Applies what is pending. Returns the steps it applied.</summary>
    /// <exception cref="InvalidOperationException">A script was edited after it had been applied.</exception>
    /// <exception cref="UnknownEventTypeException">The database holds events that this version does not know.</exception>
    public async Task<IReadOnlyList<MigrationStatus>> Apply(CancellationToken ct = default)
    {
        await using var connection = await _database.Direct.OpenConnectionAsync(ct);
        // However long another node migrates; only then a limit for the tables' own locks.
        await Execute(connection, $"set statement_timeout = 0; set lock_timeout = 0; select pg_advisory_lock({Lock})", ct);
        await Execute(connection, "set lock_timeout = '30s'", ct);
        await Execute(connection, ModuleDdl.Resolve(ModuleDdl.Bookkeeping, name => name), ct);
        var applied = new List<MigrationStatus>();
        foreach (var (step, sql, status) in await Compare(connection, ct))
        {
            if (status.State == MigrationState.Edited)
                throw new InvalidOperationException($"The migration {step.Schema}/{step.Name} was edited after it had been applied; write a new one instead.");
            if (status.State == MigrationState.Applied)
                continue;
            await Apply(connection, step, sql, ct);
            _log.LogInformation("Migrated {Schema}/{Step}", step.Schema, step.Name);
            applied.Add(status with { State = MigrationState.Applied });
        }

        foreach (var document in _registry.Modules.SelectMany(module => module.Schema.All))
            await ColumnBackfill.Run(connection, document, _log, ct);
        await Check(connection, ct);
        return applied;
    }

    /// <summary>Fails unless everything is applied and every stored event is known (<c>Modular:AutoMigrate=false</c>).</summary>
    /// <exception cref="InvalidOperationException">Something is pending.</exception>
    public async Task EnsureApplied(CancellationToken ct = default)
    {
        var pending = (await Status(ct)).Where(step => step.State != MigrationState.Applied).ToList();
        if (pending.Count > 0)
            throw new InvalidOperationException($"{pending.Count} migrations are not applied ({pending[0].Schema}/{pending[0].Name}…); run 'db migrate' or set Modular:AutoMigrate=true.");
        await using var connection = await _database.Direct.OpenConnectionAsync(ct);
        await Check(connection, ct);
    }

    private async Task Check(NpgsqlConnection connection, CancellationToken ct)
    {
        // Connections opened before the schema existed did not learn the epoch.
        await using (var enter = new NpgsqlCommand("select store.enter_epoch()", connection))
            _database.RaiseEpoch((int)(await enter.ExecuteScalarAsync(ct))!);
        await EventTypeCheck.Run(connection, _registry, ct);
        await _keys.Load(connection, ct);
    }

    private static async Task Apply(NpgsqlConnection connection, SchemaStep step, string sql, CancellationToken ct)
    {
        await using var transaction = await connection.BeginTransactionAsync(ct);
        await Execute(connection, sql, ct);
        await using var record = new NpgsqlCommand(
            "insert into store.migrations (schema, name, checksum) values ($1, $2, $3) "
            + "on conflict (schema, name) do update set checksum = excluded.checksum, applied_at = now()", connection);
        record.Parameters.Add(new NpgsqlParameter<string> { TypedValue = step.Schema });
        record.Parameters.Add(new NpgsqlParameter<string> { TypedValue = step.Name });
        record.Parameters.Add(new NpgsqlParameter<string> { TypedValue = MigrationDifference.Checksum(sql) });
        await record.ExecuteNonQueryAsync(ct);
        await transaction.CommitAsync(ct);
    }

    private static async Task Execute(NpgsqlConnection connection, string sql, CancellationToken ct)
    {
        await using var command = new NpgsqlCommand(sql, connection);
        await command.ExecuteNonQueryAsync(ct);
    }

    private async Task<List<(SchemaStep Step, string Sql, MigrationStatus Status)>> Compare(NpgsqlConnection connection, CancellationToken ct)
    {
        var applied = await Applied(connection, ct);
        var steps = new List<(SchemaStep, string, MigrationStatus)>();
        foreach (var step in ModuleDdl.Steps(_registry))
        {
            var sql = ModuleDdl.Resolve(step, name => name);
            var known = applied.TryGetValue((step.Schema, step.Name), out var record);
            var state = !known ? MigrationState.Pending
                : record.Checksum == MigrationDifference.Checksum(sql) ? MigrationState.Applied
                : step.Repeatable ? MigrationState.Pending : MigrationState.Edited;
            steps.Add((step, sql, new MigrationStatus(step.Schema, step.Name, state, known ? record.At : null)));
        }

        return steps;
    }

    private static async Task<Dictionary<(string Schema, string Name), (string Checksum, DateTimeOffset At)>> Applied(
        NpgsqlConnection connection, CancellationToken ct)
    {
        var applied = new Dictionary<(string, string), (string, DateTimeOffset)>();
        await using (var exists = new NpgsqlCommand("select to_regclass('store.migrations') is not null", connection))
        {
            if (await exists.ExecuteScalarAsync(ct) is not true)
                return applied;
        }

        await using var command = new NpgsqlCommand("select schema, name, checksum, applied_at from store.migrations", connection);
        await using var rows = await command.ExecuteReaderAsync(ct);
        while (await rows.ReadAsync(ct))
            applied[(rows.GetString(0), rows.GetString(1))] = (rows.GetString(2), rows.GetFieldValue<DateTimeOffset>(3));
        return applied;
    }
}
