using Npgsql;
using NpgsqlTypes;

namespace Modular.Store;

/// <summary>
/// Reads committed events of several modules in one order, without gaps: <c>(epoch, transaction, module, sequence)</c>,
/// below the oldest transaction that is still open (DESIGN §4, §7).
/// </summary>
public sealed class EventFeed
{
    private readonly StoreDatabase _database;
    private readonly StoreRegistry _registry;
    private readonly EventReader _reader;

    internal EventFeed(StoreDatabase database, StoreRegistry registry, EventReader reader)
    {
        _database = database;
        _registry = registry;
        _reader = reader;
    }

    /// <summary>Every module that stores events, in the order of the feed.</summary>
    public IReadOnlyList<string> Modules => [.. _registry.Modules.Select(module => module.DatabaseSchemaName)];

    /// <summary>The next events after a position; fewer than <paramref name="limit"/> means that is all for now.</summary>
    public async Task<IReadOnlyList<IEvent>> ReadAfter(
        FeedPosition after, int limit, IReadOnlyCollection<string>? modules = null, CancellationToken ct = default)
    {
        await using var connection = await _database.Pooled.OpenConnectionAsync(ct);
        return await ReadAfter(connection, after, limit, modules, ct);
    }

    /// <summary>
    /// The same page as it is stored: nothing decoded, so it works for events that no code knows any more.
    /// </summary>
    public async Task<IReadOnlyList<FeedEntry>> ReadCanonicalAfter(FeedPosition after, int limit, CancellationToken ct = default) =>
        await ReadStored("canonical", after, limit, ct);

    /// <summary>
    /// The same with an RFC 6962 leaf hash in the place of the canonical bytes, made by the database: for who only compares.
    /// </summary>
    public async Task<IReadOnlyList<FeedEntry>> ReadLeavesAfter(FeedPosition after, int limit, CancellationToken ct = default) =>
        await ReadStored(@"sha256('\x00'::bytea || canonical)", after, limit, ct);

    private async Task<List<FeedEntry>> ReadStored(string bytes, FeedPosition after, int limit, CancellationToken ct)
    {
        await using var connection = await _database.Pooled.OpenConnectionAsync(ct);
        await using var command = Command(connection, after, limit, Modules, "epoch, xact, seq_id, id, canonical");
        // Outside, so that it is made for the page only and not for what each module offered to it.
        command.CommandText = $"select epoch, xact, seq_id, id, {bytes}, module from ({command.CommandText}) read order by epoch, xact, module, seq_id";
        var page = new List<FeedEntry>();
        await using var row = await command.ExecuteReaderAsync(ct);
        while (await row.ReadAsync(ct))
        {
            page.Add(new FeedEntry(
                new FeedPosition(row.GetInt32(0), row.GetFieldValue<ulong>(1), row.GetString(5), row.GetInt64(2)),
                row.GetGuid(3), row.GetFieldValue<byte[]>(4)));
        }

        return page;
    }

    /// <summary>The position of the newest committed event, whether or not it is below the horizon yet.</summary>
    public Task<FeedPosition> Latest(CancellationToken ct = default) => Latest(Modules, ct);

    internal async Task<FeedPosition> Latest(IReadOnlyList<string> modules, CancellationToken ct)
    {
        var latest = FeedPosition.Start;
        foreach (var module in modules)
        {
            await using var command = _database.Pooled.CreateCommand(
                $"select epoch, xact, seq_id from {module}.mt_events order by epoch desc, xact desc, seq_id desc limit 1");
            await using var row = await command.ExecuteReaderAsync(ct);
            if (!await row.ReadAsync(ct))
                continue;
            var position = new FeedPosition(row.GetInt32(0), row.GetFieldValue<ulong>(1), module, row.GetInt64(2));
            latest = position > latest ? position : latest;
        }

        return latest;
    }

    /// <summary>The first transaction that has not begun: nothing can be read beyond it.</summary>
    internal static async Task<FeedPosition> Present(NpgsqlConnection connection, CancellationToken ct)
    {
        await using var command = new NpgsqlCommand(
            "select (select epoch from store.epoch), pg_snapshot_xmax(pg_current_snapshot())", connection);
        await using var row = await command.ExecuteReaderAsync(ct);
        await row.ReadAsync(ct);
        return new FeedPosition(row.GetInt32(0), row.GetFieldValue<ulong>(1), "", 0);
    }

    /// <summary>Whether there are committed events after a position that an open transaction still holds back.</summary>
    internal static async Task<bool> IsHeldBack(
        NpgsqlConnection connection, FeedPosition after, IReadOnlyList<string> modules, CancellationToken ct, bool keeps = false)
    {
        await using var command = new NpgsqlCommand { Connection = connection };
        command.Parameters.Add(new NpgsqlParameter<int> { TypedValue = after.Epoch });
        command.Parameters.Add(new NpgsqlParameter<ulong> { TypedValue = after.Transaction, NpgsqlDbType = NpgsqlDbType.Xid8 });
        var newer = new List<string>();
        foreach (var module in modules)
        {
            command.Parameters.Add(new NpgsqlParameter<long> { TypedValue = SequenceBefore(module, after) });
            newer.Add($"exists (select from {module}.mt_events where (epoch, xact, seq_id) > ($1, $2, ${command.Parameters.Count}))");
        }

        command.CommandText = $"select {string.Join(" or ", newer)}";
        if (keeps)
            await command.PrepareAsync(ct);
        return await command.ExecuteScalarAsync(ct) is true;
    }

    /// <summary>The modules asked for; none means all.</summary>
    internal IReadOnlyList<string> Asked(IReadOnlyCollection<string>? modules) => modules is null or { Count: 0 } ? Modules : [.. modules];

    /// <summary>
    /// For a connection that a reader keeps: the same few statements, planned once. A plan made while a table was small would read
    /// all of it later, so only scans of an index are on offer.
    /// </summary>
    internal static async Task Settle(NpgsqlConnection connection, CancellationToken ct)
    {
        await using var settings = new NpgsqlCommand("set enable_seqscan = off; set enable_bitmapscan = off", connection);
        await settings.ExecuteNonQueryAsync(ct);
    }

    internal async Task<IReadOnlyList<IEvent>> ReadAfter(
        NpgsqlConnection connection, FeedPosition after, int limit, IReadOnlyCollection<string>? modules, CancellationToken ct, bool keeps = false)
    {
        await using var command = Command(connection, after, limit, Asked(modules), EventReader.Columns);
        if (keeps)
            await command.PrepareAsync(ct);
        var rows = new List<EventReader.Row>();
        await using (var reader = await command.ExecuteReaderAsync(ct))
        {
            while (await reader.ReadAsync(ct))
                rows.Add(EventReader.RowOf(reader, reader.GetString(9)));
        }

        return await _reader.Decode(rows, ct);
    }

    internal static NpgsqlCommand Command(
        NpgsqlConnection connection, FeedPosition after, int limit, IReadOnlyList<string> modules, string columns)
    {
        var command = new NpgsqlCommand { Connection = connection };
        command.Parameters.Add(new NpgsqlParameter<int> { TypedValue = limit });
        command.Parameters.Add(new NpgsqlParameter<int> { TypedValue = after.Epoch });
        command.Parameters.Add(new NpgsqlParameter<ulong> { TypedValue = after.Transaction, NpgsqlDbType = NpgsqlDbType.Xid8 });
        var pages = new List<string>();
        foreach (var module in modules)
        {
            command.Parameters.Add(new NpgsqlParameter<long> { TypedValue = SequenceBefore(module, after) });
            // Both bounds are row comparisons on the primary key, so a page is an index scan wherever it begins.
            pages.Add($"(select {columns}, '{module}' collate \"C\" as module from {module}.mt_events "
                + $"where (epoch, xact, seq_id) > ($2, $3, ${command.Parameters.Count}) "
                + "and (epoch, xact) < ((select epoch from store.epoch), pg_snapshot_xmin(pg_current_snapshot())) "
                + "order by epoch, xact, seq_id limit $1)");
        }

        command.CommandText = $"select * from ({string.Join(" union all ", pages)}) page order by epoch, xact, module, seq_id limit $1";
        return command;
    }

    // Within one transaction the modules follow each other in the order of their names.
    private static long SequenceBefore(string module, FeedPosition after) =>
        string.CompareOrdinal(module, after.Module) switch
        {
            < 0 => long.MaxValue,
            0 => after.Sequence,
            _ => -1,
        };
}

/// <summary>An event as it is stored: where it stands in the feed, which it is, and its canonical bytes.</summary>
public sealed record FeedEntry(FeedPosition Position, Guid Id, byte[] Canonical);
