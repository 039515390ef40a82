using System.Buffers;
using System.Security.Cryptography;
using Npgsql;

namespace Modular.Store;

/// <summary>How far a backup or a restore is, in rows.</summary>
/// <param name="Done">So far.</param>
/// <param name="Total">Of a backup: as many as the planner's statistics know.</param>
/// <param name="Elapsed">Since it began.</param>
/// <param name="Left">Null when it cannot be told yet.</param>
public readonly record struct CopyProgress(long Done, long Total, TimeSpan Elapsed, TimeSpan? Left);

/// <summary>
/// Passes rows on in COPY's text format, which every version of PostgreSQL reads, and counts and hashes them on the way.
/// </summary>
internal sealed class CopiedRows(long total, TimeProvider clock, IProgress<CopyProgress>? progress)
{
    /// <summary>
    /// What the text of a value depends on, the same on both sides; and no time-out: this takes as long as it takes.
    /// </summary>
    public const string Settings = """
        set local datestyle = 'ISO, YMD'; set local intervalstyle = 'postgres'; set local timezone = 'UTC';
        set local extra_float_digits = 1; set local bytea_output = 'hex';
        select set_config(name, '0', true) from pg_settings
        where name in ('statement_timeout', 'idle_in_transaction_session_timeout', 'transaction_timeout');
        """;

    private const int ChunkBytes = 128 * 1024;

    private readonly long _began = clock.GetTimestamp();
    private long _done;

    /// <summary>One table's rows from one stream to another.</summary>
    public async Task<(long Rows, long Bytes, string Sha256)> Pass(Stream from, Stream to, CancellationToken ct)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        var chunk = ArrayPool<byte>.Shared.Rent(ChunkBytes);
        var (rows, bytes) = (0L, 0L);
        try
        {
            for (int read; (read = await from.ReadAsync(chunk, ct)) > 0; bytes += read)
            {
                hash.AppendData(chunk, 0, read);
                // A line break ends a row and nothing else: one in a value is written as \n.
                rows += chunk.AsSpan(0, read).Count((byte)'\n');
                await to.WriteAsync(chunk.AsMemory(0, read), ct);
                Report(rows);
            }
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(chunk);
        }

        _done += rows;
        return (rows, bytes, Convert.ToHexStringLower(hash.GetHashAndReset()));
    }

    /// <summary>The bytes beneath Npgsql's text reader or writer, which decodes what nobody here looks at.</summary>
    public static Stream Bytes(IDisposable text) => text switch
    {
        StreamReader reader => reader.BaseStream,
        StreamWriter writer => writer.BaseStream,
        _ => throw new InvalidOperationException($"{text.GetType()} has no stream beneath it."),
    };

    public static async Task Execute(NpgsqlConnection connection, string sql, CancellationToken ct)
    {
        await using var command = new NpgsqlCommand(sql, connection);
        await command.ExecuteNonQueryAsync(ct);
    }

    private void Report(long rows)
    {
        if (progress is null)
            return;
        var elapsed = clock.GetElapsedTime(_began);
        var (done, all) = (_done + rows, Math.Max(total, _done + rows));
        progress.Report(new CopyProgress(done, all, elapsed, done == 0 ? null : elapsed * ((all - done) / (double)done)));
    }
}
