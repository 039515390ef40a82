using System.Buffers;
using System.Runtime.CompilerServices;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace Modular.Audit;

/// <summary>
/// The format <c>modular-ndjson</c>: a line is an object of a position, the leaf hash, and the entry's canonical bytes as a text. A text,
/// not an object, because the hash is over the bytes, and whoever reads JSON and writes it again makes others.
/// </summary>
internal static class ExportLines
{
    public const string Format = "modular-ndjson";

    private const int ChunkEntries = 1_000;

    private static readonly JsonWriterOptions Options = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping, SkipValidation = true };

    public static async IAsyncEnumerable<ReadOnlyMemory<byte>> Write(LogRows rows, long from, long to, [EnumeratorCancellation] CancellationToken ct)
    {
        var reading = rows.Canonical(from, Math.Min(to, from + ChunkEntries), ct);
        while (from < to)
        {
            var entries = await reading;
            if (entries.Count != Math.Min(to - from, ChunkEntries))
                throw new InvalidOperationException($"Entries behind position {from + entries.Count} are missing: run 'audit verify'.");
            var next = from + entries.Count;
            reading = next < to ? rows.Canonical(next, Math.Min(to, next + ChunkEntries), ct) : reading;
            yield return Chunk(from, entries);
            from = next;
        }
    }

    private static ReadOnlyMemory<byte> Chunk(long from, List<byte[]> entries)
    {
        var buffer = new ArrayBufferWriter<byte>(entries.Count * 1024);
        using var json = new Utf8JsonWriter(buffer, Options);
        foreach (var entry in entries)
        {
            json.WriteStartObject();
            json.WriteNumber("position", from++);
            json.WriteString("leaf", Convert.ToBase64String(MerkleTree.LeafHash(entry)));
            json.WriteString("entry", entry);
            json.WriteEndObject();
            json.Flush();
            json.Reset();
            buffer.Write("\n"u8);
        }

        return buffer.WrittenMemory;
    }
}
