using Microsoft.Extensions.Logging;
using Modular.Kernel;
using Modular.Store;
using Npgsql;
using NpgsqlTypes;

namespace Modular.Audit;

/// <summary>
/// PostgreSQL keeps samples of columns for its planner, names and addresses among them: a table whose samples are older than
/// the last erasure is sampled anew, every hour; one that is empty by now loses them, where PostgreSQL (18) can.
/// </summary>
internal sealed class StatisticsSweep(StoreDatabase database, EventFeed feed, TimeProvider clock, ILogger<StatisticsSweep> log)
    : HourlySweep("Samples of columns could not be taken anew", clock, log)
{
    // Sampled, and not since then. The present of the database counts, as in its own marks. Whoever owns a table sees its
    // samples in pg_stats and may take them; pg_statistic itself, and what others own, is a superuser's.
    private const string Due = """
        select format('%I.%I', t.schemaname, t.relname) from pg_stat_all_tables t join pg_class c on c.oid = t.relid
        where t.schemaname = any($1) and pg_has_role(c.relowner, 'USAGE')
            and exists (select from pg_stats s where s.schemaname = t.schemaname and s.tablename = t.relname)
            and coalesce(greatest(t.last_analyze, t.last_autoanalyze), '-infinity') < (
                select max(timestamp) from audit.mt_events where type = 'subject.erased.1')
        """;

    private const int FirstThatClears = 18;

    /// <summary>What every schema of ours holds that nobody registers as a module.</summary>
    private static readonly string[] Others = ["neon_auth", "messaging"];

    /// <summary>Answers how many tables were sampled anew; null when another node is at it.</summary>
    public async Task<int?> Sweep(CancellationToken ct)
    {
        await using var connection = await database.Direct.OpenConnectionAsync(ct);
        await using var hold = new NpgsqlCommand("select pg_try_advisory_lock(hashtextextended('audit/statistics', 0))", connection);
        if (await hold.ExecuteScalarAsync(ct) is not true)
            return null;
        var due = await Find(connection, ct);
        foreach (var table in due)
        {
            await using var analyze = new NpgsqlCommand($"analyze {table}", connection);
            await analyze.ExecuteNonQueryAsync(ct);
            if (connection.PostgreSqlVersion.Major >= FirstThatClears)
                await Clear(connection, table, ct);
        }

        return due.Count;
    }

    protected override Task SweepAll(CancellationToken ct) => Sweep(ct);

    // Of a table that is empty no samples are taken, and those there were stay.
    private static async Task Clear(NpgsqlConnection connection, string table, CancellationToken ct)
    {
        await using var command = new NpgsqlCommand($"""
            select pg_clear_attribute_stats(s.schemaname, s.tablename, s.attname, false)
            from pg_stats s join pg_namespace n on n.nspname = s.schemaname
            join pg_class c on c.relnamespace = n.oid and c.relname = s.tablename
            where not s.inherited and not exists (select from {table})
                and (c.oid = $1::regclass or c.oid in (select indexrelid from pg_index where indrelid = $1::regclass))
            """, connection);
        command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = table });
        await command.ExecuteNonQueryAsync(ct);
    }

    private async Task<List<string>> Find(NpgsqlConnection connection, CancellationToken ct)
    {
        await using var command = new NpgsqlCommand(Due, connection);
        command.Parameters.Add(new NpgsqlParameter { Value = feed.Modules.Concat(Others).ToArray(), NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.Text });
        var due = new List<string>();
        await using var row = await command.ExecuteReaderAsync(ct);
        while (await row.ReadAsync(ct))
            due.Add(row.GetString(0));
        return due;
    }
}
