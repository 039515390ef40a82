using System.Globalization;
using Modular.Kernel;
using Modular.Store;
using Npgsql;
using NpgsqlTypes;

namespace Modular.Audit;

/// <summary>What <c>GET /api/audit/histogram</c> answers.</summary>
/// <param name="Interval">Of each bucket.</param>
/// <param name="Buckets">All of the range without a gap, oldest first; those in which nothing happened too.</param>
internal sealed record Histogram(string From, string To, string Interval, string Zone, long Count, IReadOnlyList<HistogramBucket> Buckets);

/// <param name="From">When it begins; the first may begin before the range, of which it has only what lies within.</param>
/// <param name="Groups">By name, the most frequent first; null where nothing was asked for.</param>
internal sealed record HistogramBucket(string From, string To, long Count, IReadOnlyDictionary<string, long>? Groups);

/// <summary>Counts entries by time.</summary>
internal sealed class Histograms(StoreDatabase database)
{
    /// <summary>Entries that one histogram looks at.</summary>
    public const int MostEntries = 2_000_000;

    public static readonly Refusal TooManyEntries =
        Refusal.BadRequest("too_many_entries", $"More than {MostEntries} entries pass; a shorter range or a narrower filter gives fewer");

    public async Task<Outcome<Histogram>> Of(EntryFilter filter, HistogramWish wish, CancellationToken ct)
    {
        if (await Edges(wish, ct) is not { } edges)
            return HistogramText.InvalidZone;
        if (edges.Count - 1 > HistogramText.MostBuckets)
            return HistogramText.TooManyBuckets;
        var counts = await Count(filter with { Since = wish.Since, Until = wish.Until }, wish.By, edges, ct);
        if (counts.Sum(count => count.Entries) > MostEntries)
            return TooManyEntries;
        return Decide(wish, edges, counts);
    }

    /// <summary>Puts counts into buckets, zeros where there are none.</summary>
    internal static Histogram Decide(HistogramWish wish, IReadOnlyList<DateTimeOffset> edges, IReadOnlyList<(int Bucket, string? Group, long Entries)> counts)
    {
        var found = counts.ToLookup(count => count.Bucket);
        var buckets = Enumerable.Range(0, edges.Count - 1).Select(at => new HistogramBucket(
            Text(edges[at]), Text(edges[at + 1]), found[at].Sum(count => count.Entries),
            wish.By is null ? null : found[at].OrderByDescending(count => count.Entries).ThenBy(count => count.Group, StringComparer.Ordinal)
                .ToDictionary(count => count.Group!, count => count.Entries)));
        return new Histogram(
            Text(wish.Since), Text(wish.Until), wish.Interval.Name, wish.Zone, counts.Sum(count => count.Entries), [.. buckets]);
    }

    // By the database, whose zones are those that the rest of SQL knows. Steps of the wall clock are taken as it shows
    // them and turned into instants afterwards; shorter ones as instants, so that an hour that comes twice is two.
    private async Task<List<DateTimeOffset>?> Edges(HistogramWish wish, CancellationToken ct)
    {
        var steps = wish.Interval.IsOfWallClock
            ? "select distinct wall at time zone $3 as edge from generate_series(date_trunc($4, $1 at time zone $3), ($2 at time zone $3) + $5::interval, $5::interval) wall"
            : "select instant as edge from generate_series(date_trunc($4, $1, $3), $2 + $5::interval, $5::interval) instant";
        await using var command = database.Pooled.CreateCommand($"""
            with edges as ({steps} limit {4 * HistogramText.MostBuckets})
            select edge from edges
            where edge >= (select max(edge) from edges where edge <= $1) and edge <= (select min(edge) from edges where edge >= $2)
            order by edge
            """);
        foreach (var time in (DateTimeOffset[])[wish.Since, wish.Until])
            command.Parameters.Add(new NpgsqlParameter<DateTime> { TypedValue = time.UtcDateTime, NpgsqlDbType = NpgsqlDbType.TimestampTz });
        foreach (var text in (string[])[wish.Zone, wish.Interval.Unit, wish.Interval.Step])
            command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = text, NpgsqlDbType = NpgsqlDbType.Text });
        var edges = new List<DateTimeOffset>();
        try
        {
            await using var row = await command.ExecuteReaderAsync(ct);
            while (await row.ReadAsync(ct))
                edges.Add(row.GetFieldValue<DateTimeOffset>(0));
        }
        catch (PostgresException unknown) when (unknown.SqlState == PostgresErrorCodes.InvalidParameterValue)
        {
            return null;
        }

        return edges;
    }

    private async Task<List<(int Bucket, string? Group, long Entries)>> Count(
        EntryFilter filter, string? by, IReadOnlyList<DateTimeOffset> edges, CancellationToken ct)
    {
        await using var command = database.Pooled.CreateCommand();
        var conditions = filter.Conditions(command);
        command.Parameters.Add(new NpgsqlParameter { Value = edges.Select(edge => edge.UtcDateTime).ToArray(), NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.TimestampTz });
        command.CommandText = $"""
            select width_bucket(time, ${command.Parameters.Count}) - 1, part, count(*)
            from (select s.time, {(by is null ? "null::text" : $"s.{by}")} as part from audit.search s where true{conditions} limit {MostEntries + 1}) found
            group by 1, 2
            """;
        var counts = new List<(int, string?, long)>();
        await using var row = await command.ExecuteReaderAsync(ct);
        while (await row.ReadAsync(ct))
            counts.Add((row.GetInt32(0), await row.IsDBNullAsync(1, ct) ? null : row.GetString(1), row.GetInt64(2)));
        return counts;
    }

    private static string Text(DateTimeOffset time) => time.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss.FFFFFF'Z'", CultureInfo.InvariantCulture);
}
