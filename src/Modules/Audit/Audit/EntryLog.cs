using System.Runtime.CompilerServices;
using Modular.Store;
using Npgsql;
using NpgsqlTypes;

namespace Modular.Audit;

/// <summary>An entry as people read it.</summary>
internal sealed record Entry(long Position, CanonicalEvent Event);

/// <summary>Reads of the log. What is shown always comes from the immutable entries; the search table only finds them.</summary>
internal sealed class EntryLog(StoreDatabase database, CanonicalEvents events)
{
    /// <summary>Further nobody counts: a number that large is as good as "many", and costs as much as it is large.</summary>
    public const int MostCounted = 100_000;

    private const int ChunkEntries = 500;

    /// <summary>One page, newest first, of what passes one of the filters.</summary>
    public async Task<EntryPage> Page(EntryFilter[] filters, EntryCursor cursor, CancellationToken ct)
    {
        var page = cursor.PageOf(await Read(filters, cursor, ct));
        return cursor.Counts ? page with { Count = await Count(filters, ct) } : page;
    }

    /// <summary>What a user did, and what was done to them.</summary>
    public static EntryFilter[] FiltersOf(string user, EntryFilter filter) => [filter with { Actor = user }, filter with { Subject = user }];

    /// <summary>How many pass one of the filters; counting ends at <see cref="MostCounted"/>.</summary>
    public async Task<EntryCount> Count(EntryFilter[] filters, CancellationToken ct)
    {
        await using var command = database.Pooled.CreateCommand();
        var parts = filters.Select(filter => $"(select s.position from audit.search s where true{filter.Conditions(command)} limit {MostCounted + 1})").ToList();
        command.CommandText = $"select count(*) from (select position from ({string.Join(" union ", parts)}) part limit {MostCounted + 1}) found";
        var count = (long)(await command.ExecuteScalarAsync(ct))!;
        return new EntryCount(Math.Min(count, MostCounted), count > MostCounted);
    }

    public async Task<Entry?> At(long position, CancellationToken ct)
    {
        await using var command = database.Pooled.CreateCommand("select position, canonical from audit.entries where position = $1");
        Parameter(command, position);
        return await Read(command, ct) is [var entry] ? entry : null;
    }

    /// <summary>
    /// What there is from a position on, oldest first, in chunks that are short queries of their own: a slow reader
    /// holds nothing open. Ends with what was there when it caught up.
    /// </summary>
    public async IAsyncEnumerable<IReadOnlyList<Entry>> From(
        long position, EntryFilter filter, [EnumeratorCancellation] CancellationToken ct)
    {
        while (true)
        {
            var chunk = await Chunk(position, filter, ct);
            if (chunk.Count > 0)
                yield return chunk;
            if (chunk.Count < ChunkEntries)
                yield break;
            position = chunk[^1].Position + 1;
        }
    }

    /// <summary>The next entries from a position on, whatever they are.</summary>
    /// <param name="reveals">Whether personal data is shown; else it is null, as of somebody who is erased.</param>
    public async Task<IReadOnlyList<Entry>> Chunk(long position, bool reveals, CancellationToken ct)
    {
        await using var command = database.Pooled.CreateCommand(
            $"select position, canonical from audit.entries where position >= $1 order by position limit {ChunkEntries}");
        Parameter(command, position);
        return await Read(command, ct, reveals);
    }

    /// <summary>Whether any entry names somebody, as who acted or as whom it is about; that an erasure was wished for tells nothing of whom.</summary>
    public async Task<bool> IsAbout(string subject, CancellationToken ct)
    {
        await using var command = database.Pooled.CreateCommand(
            "select exists (select from audit.search where subject = $1 and not starts_with(type, 'erasure.')) or exists (select from audit.search where actor = $1)");
        command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = subject });
        return await command.ExecuteScalarAsync(ct) is true;
    }

    /// <summary>The position that the next entry will get.</summary>
    public async Task<long> Head(CancellationToken ct)
    {
        await using var command = database.Pooled.CreateCommand("select position + 1 from audit.entries order by position desc limit 1");
        return await command.ExecuteScalarAsync(ct) is long next ? next : 0;
    }

    /// <summary>The first position there still is; 0 while there is none.</summary>
    public async Task<long> First(CancellationToken ct)
    {
        await using var command = database.Pooled.CreateCommand("select position from audit.entries order by position limit 1");
        return await command.ExecuteScalarAsync(ct) is long first ? first : 0;
    }

    /// <summary>Where the last so many entries that pass a filter begin; the head when none does.</summary>
    public async Task<long> Last(long count, EntryFilter filter, CancellationToken ct)
    {
        var head = await Head(ct);
        if (filter.IsEverything)
            return Math.Max(0, head - count);
        await using var command = database.Pooled.CreateCommand();
        command.CommandText = $"""
            select min(position) from (
                select s.position from audit.search s where true{filter.Conditions(command)}
                order by s.position desc limit {Parameter(command, count)}) last
            """;
        return await command.ExecuteScalarAsync(ct) is long first ? first : head;
    }

    /// <summary>The first position whose entry is not before a time; null when there is none yet.</summary>
    public async Task<long?> FirstSince(DateTimeOffset time, CancellationToken ct)
    {
        await using var command = database.Pooled.CreateCommand("select min(position) from audit.search where time >= $1");
        command.Parameters.Add(new NpgsqlParameter<DateTime> { TypedValue = time.UtcDateTime, NpgsqlDbType = NpgsqlDbType.TimestampTz });
        return await command.ExecuteScalarAsync(ct) as long?;
    }

    // A page of each filter and then of them all: every part is a walk along its own index, where an OR would be none.
    private async Task<IReadOnlyList<Entry>> Read(EntryFilter[] filters, EntryCursor cursor, CancellationToken ct)
    {
        await using var command = database.Pooled.CreateCommand();
        var window = $"s.position < {Parameter(command, cursor.Before ?? long.MaxValue)} and s.position > {Parameter(command, cursor.After ?? -1)}";
        // One more tells that there is another page.
        var page = $"order by position {(cursor.IsForward ? "asc" : "desc")} limit {Parameter(command, cursor.Limit + 1)}";
        var parts = filters.Select(filter => $"(select s.position from audit.search s where {window}{filter.Conditions(command)} {page})").ToList();
        command.CommandText = $"""
            select e.position, e.canonical from (select position from ({string.Join(" union ", parts)}) part {page}) found
            join audit.entries e using (position) order by e.position desc
            """;
        return await Read(command, ct);
    }

    private async Task<IReadOnlyList<Entry>> Chunk(long position, EntryFilter filter, CancellationToken ct)
    {
        await using var command = database.Pooled.CreateCommand();
        if (filter.IsEverything)
        {
            command.CommandText = $"""
                select position, canonical from audit.entries
                where position >= {Parameter(command, Math.Max(position, filter.From ?? 0))} and position < {Parameter(command, filter.To ?? long.MaxValue)}
                order by position limit {ChunkEntries}
                """;
        }
        else
        {
            command.CommandText = $"""
                select s.position, e.canonical from audit.search s join audit.entries e using (position)
                where true{filter.Conditions(command)} and s.position >= {Parameter(command, position)}
                order by s.position limit {ChunkEntries}
                """;
        }

        return await Read(command, ct);
    }

    private async Task<IReadOnlyList<Entry>> Read(PooledCommand command, CancellationToken ct, bool reveals = true)
    {
        var positions = new List<long>();
        var canonical = new List<ReadOnlyMemory<byte>>();
        await using (var row = await command.ExecuteReaderAsync(ct))
        {
            while (await row.ReadAsync(ct))
            {
                positions.Add(row.GetInt64(0));
                canonical.Add(row.GetFieldValue<byte[]>(1));
            }
        }

        var opened = await (reveals ? events.Open(canonical, ct) : events.OpenWithoutPersonalData(canonical, ct));
        return [.. opened.Select((e, at) => new Entry(positions[at], e))];
    }

    private static string Parameter(PooledCommand command, long value)
    {
        command.Parameters.Add(new NpgsqlParameter<long> { TypedValue = value });
        return $"${command.Parameters.Count}";
    }
}
