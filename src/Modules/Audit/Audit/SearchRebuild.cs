using System.Diagnostics;
using Modular.Audit.Contracts;
using Modular.Store;
using Npgsql;
using NpgsqlTypes;

namespace Modular.Audit;

/// <summary>
/// Makes <c>audit.search</c> anew from the entries while requests are served: into a table beside it, then a switch in
/// one transaction.
/// </summary>
internal sealed class SearchRebuild(StoreDatabase database, CanonicalEvents events, EntryLog log, SearchForgetting forgetting, TimeProvider clock)
{
    public const string Name = "audit.search";

    /// <summary>Where it is made.</summary>
    internal const string Beside = "audit.search_rebuild";

    private const int ChunkEntries = 2_000;

    public async Task<RebuiltReadModel> Run(bool compare, IProgress<LogProgress>? progress, CancellationToken ct)
    {
        var begun = clock.GetUtcNow();
        await using var connection = await database.Direct.OpenConnectionAsync(ct);
        await using (var mine = new NpgsqlCommand($"select pg_try_advisory_lock(hashtextextended('{Name}', 8))", connection))
        {
            if (await mine.ExecuteScalarAsync(ct) is not true)
                throw new InvalidOperationException($"Another rebuild of {Name} is running.");
        }

        try
        {
            // With its indexes from the start: making one later on a large table is a transaction that holds the feeds back.
            await Execute(connection, "set statement_timeout = 0; drop table if exists audit.search_rebuild; create table audit.search_rebuild (like audit.search including all)", ct);
            var run = new Fill(connection, events, compare);
            await run.Follow(await log.Head(ct), progress, ct);
            await Execute(connection, "analyze audit.search_rebuild", ct);
            // Of who was erased meanwhile, rows may have been made before: not even for a moment they are in the live table.
            var looked = clock.GetUtcNow();
            await forgetting.ForgetSince(connection, Beside, begun - EraseSubject.SecondLook, ct);
            await Switch(connection, run, looked - EraseSubject.SecondLook, ct);
            return new RebuiltReadModel(Name, run.Read, run.Read, compare ? run.Different : null);
        }
        finally
        {
            if (connection.State == System.Data.ConnectionState.Open)
                await Execute(connection, "drop table if exists audit.search_rebuild", CancellationToken.None);
        }
    }

    // With the live table locked every page that wrote it has committed, so its entries can be read; a page that waits
    // for the lock writes the table that has the name then.
    private async Task Switch(NpgsqlConnection connection, Fill run, DateTimeOffset looked, CancellationToken ct)
    {
        await using var transaction = await connection.BeginTransactionAsync(ct);
        await Execute(connection, "set local lock_timeout = '5s'; lock table audit.search in access exclusive mode", ct);
        await run.Follow(long.MaxValue, null, ct);
        await forgetting.ForgetSince(connection, Beside, looked, ct);
        await Execute(connection, """
            do $body$
            declare
                index record;
            begin
                create temporary table live_indexes on commit drop as
                    select c.relname as name, split_part(pg_get_indexdef(c.oid), ' USING ', 2) || i.indisprimary as shape
                    from pg_index i join pg_class c on c.oid = i.indexrelid where i.indrelid = 'audit.search'::regclass;
                drop table audit.search;
                alter table audit.search_rebuild rename to search;
                for index in
                    select c.relname as made, l.name as wanted
                    from pg_index i join pg_class c on c.oid = i.indexrelid
                    join live_indexes l on l.shape = split_part(pg_get_indexdef(c.oid), ' USING ', 2) || i.indisprimary
                    where i.indrelid = 'audit.search'::regclass and c.relname <> l.name
                loop
                    execute format('alter index audit.%I rename to %I', index.made, index.wanted);
                end loop;
            end $body$
            """, ct);
        await transaction.CommitAsync(ct);
    }

    private static async Task Execute(NpgsqlConnection connection, string sql, CancellationToken ct)
    {
        await using var command = new NpgsqlCommand(sql, connection);
        await command.ExecuteNonQueryAsync(ct);
    }

    /// <summary>Fills the table beside the live one, chunk by chunk.</summary>
    private sealed class Fill(NpgsqlConnection connection, CanonicalEvents events, bool compare)
    {
        private readonly Stopwatch _elapsed = Stopwatch.StartNew();
        private long _position;

        public long Read { get; private set; }

        public long Different { get; private set; }

        public async Task Follow(long total, IProgress<LogProgress>? progress, CancellationToken ct)
        {
            while (await Chunk(ct) is var rows and { Count: > 0 })
            {
                await Copy(rows, ct);
                var end = rows[^1].Position + 1;
                if (compare)
                    Different += await Compare(_position, end, ct);
                (_position, Read) = (end, Read + rows.Count);
                progress?.Report(new LogProgress(Read, total, _elapsed.Elapsed));
            }
        }

        private async Task<List<SearchRow>> Chunk(CancellationToken ct)
        {
            await using var command = new PooledCommand(
                connection, $"select position, canonical from audit.entries where position >= $1 order by position limit {ChunkEntries}");
            command.Parameters.Add(new NpgsqlParameter<long> { TypedValue = _position });
            return await SearchRow.Read(command, events, ct);
        }

        private async Task Copy(List<SearchRow> rows, CancellationToken ct)
        {
            await using var writer = await connection.BeginBinaryImportAsync(
                $"copy audit.search_rebuild ({SearchRow.Columns}) from stdin (format binary)", ct);
            foreach (var row in rows)
            {
                await writer.StartRowAsync(ct);
                await writer.WriteAsync(row.Position, NpgsqlDbType.Bigint, ct);
                await writer.WriteAsync(row.Time.UtcDateTime, NpgsqlDbType.TimestampTz, ct);
                string?[] texts = [row.Module, row.Type, row.Outcome, row.Reason, row.Actor, row.Subject, row.Session, row.Organization];
                foreach (var text in texts)
                    await Write(writer, text, NpgsqlDbType.Text, ct);
                await (row.Ip is null ? writer.WriteNullAsync(ct) : writer.WriteAsync(new NpgsqlInet(row.Ip), NpgsqlDbType.Inet, ct));
                foreach (var text in new[] { row.UserAgent, row.Request, row.Stream, row.Words })
                    await Write(writer, text, NpgsqlDbType.Text, ct);
            }

            await writer.CompleteAsync(ct);
        }

        private static Task Write<T>(NpgsqlBinaryImporter writer, T? value, NpgsqlDbType type, CancellationToken ct)
            where T : class =>
            value is null ? writer.WriteNullAsync(ct) : writer.WriteAsync(value, type, ct);

        private async Task<long> Compare(long first, long end, CancellationToken ct)
        {
            await using var command = new NpgsqlCommand($"""
                select count(*)
                from (select * from audit.search where position >= $1 and position < $2) l
                full join (select * from audit.search_rebuild where position >= $1 and position < $2) r using (position)
                where l::text is distinct from r::text
                """, connection);
            command.Parameters.Add(new NpgsqlParameter<long> { TypedValue = first });
            command.Parameters.Add(new NpgsqlParameter<long> { TypedValue = end });
            return (long)(await command.ExecuteScalarAsync(ct))!;
        }
    }
}
