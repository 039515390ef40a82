using Modular.Store;
using Npgsql;
using NpgsqlTypes;

namespace Modular.Audit;

/// <summary>Where a sink stands.</summary>
/// <param name="Next">The first position that was not taken.</param>
/// <param name="Run">Rises with every replay, so that what is sent again is not taken for what was sent before.</param>
internal sealed record SinkState(
    string Name, long Next, int Run, bool IsPaused, int Attempts, DateTimeOffset? NextAttempt, DateTimeOffset? LastSuccess, string? LastError);

/// <summary>
/// The table <c>audit.sinks</c>. Whoever moves a cursor says where it was: a replay, or another node, that came in between
/// makes the statement touch nothing.
/// </summary>
internal sealed class SinkStates(StoreDatabase database)
{
    public const string Table = """
        create table {schema}.sinks (
            name text collate "C" primary key,
            next bigint not null,
            run integer not null default 0,
            paused boolean not null default false,
            attempts integer not null default 0,
            next_attempt timestamptz,
            last_success timestamptz,
            last_error text) with (fillfactor = 50);
        """;

    private const string Columns = "name, next, run, paused, attempts, next_attempt, last_success, last_error";

    public async Task<IReadOnlyList<SinkState>> All(CancellationToken ct)
    {
        await using var command = database.Pooled.CreateCommand($"select {Columns} from audit.sinks order by name");
        var states = new List<SinkState>();
        await using var row = await command.ExecuteReaderAsync(ct);
        while (await row.ReadAsync(ct))
        {
            states.Add(new SinkState(
                row.GetString(0), row.GetInt64(1), row.GetInt32(2), row.GetBoolean(3), row.GetInt32(4), await Time(row, 5, ct), await Time(row, 6, ct),
                await row.IsDBNullAsync(7, ct) ? null : row.GetString(7)));
        }

        return states;
    }

    /// <summary>As it is; a new one begins where it is told to.</summary>
    public async Task<SinkState> Of(string name, long first, CancellationToken ct)
    {
        if ((await All(ct)).SingleOrDefault(state => state.Name == name) is { } known)
            return known;
        await using (var begin = Command("insert into audit.sinks (name, next) values ($1, $2) on conflict (name) do nothing", name, first))
            await begin.ExecuteNonQueryAsync(ct);
        return (await All(ct)).Single(state => state.Name == name);
    }

    /// <summary>A batch was taken, or nothing in it is wanted; false: the cursor is elsewhere by now.</summary>
    public async Task<bool> Move(SinkState from, long next, DateTimeOffset now, bool wasSent, CancellationToken ct)
    {
        await using var command = Command("""
            update audit.sinks set next = $3, attempts = 0, next_attempt = null, last_error = null,
                last_success = case when $5 then $6 else last_success end
            where name = $1 and next = $2 and run = $4
            """, from.Name, from.Next, next, from.Run, wasSent, now.UtcDateTime);
        return await command.ExecuteNonQueryAsync(ct) == 1;
    }

    /// <summary>It was not taken.</summary>
    /// <param name="pauses">Whether to ask no more until somebody says so.</param>
    public async Task Fail(SinkState state, DateTimeOffset again, string error, bool pauses, CancellationToken ct)
    {
        await using var command = Command("""
            update audit.sinks set attempts = attempts + 1, next_attempt = $4, last_error = $5, paused = paused or $6
            where name = $1 and next = $2 and run = $3
            """, state.Name, state.Next, state.Run, again.UtcDateTime, error, pauses);
        await command.ExecuteNonQueryAsync(ct);
    }

    private PooledCommand Command(string sql, params object[] values)
    {
        var command = database.Pooled.CreateCommand(sql);
        foreach (var value in values)
        {
            var parameter = new NpgsqlParameter { Value = value };
            if (value is DateTime)
                parameter.NpgsqlDbType = NpgsqlDbType.TimestampTz;
            command.Parameters.Add(parameter);
        }

        return command;
    }

    private static async Task<DateTimeOffset?> Time(NpgsqlDataReader row, int column, CancellationToken ct) =>
        await row.IsDBNullAsync(column, ct) ? null : row.GetFieldValue<DateTimeOffset>(column);
}
