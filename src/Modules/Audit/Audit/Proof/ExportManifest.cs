using System.Text.Json;
using System.Text.Json.Serialization;

namespace Modular.Audit;

/// <summary>What a manifest says. Its note's text is <see cref="Header"/> and this as one line of JSON.</summary>
/// <param name="Edge">The roots of the complete subtrees before the range; with them its own leaves give a root.</param>
/// <param name="Tiles">The roots of the full tiles within the range, 256 entries each: where it is wrong, they tell about where.</param>
/// <param name="Proof">That the tree at <paramref name="To"/> is the beginning of the checkpoint's.</param>
/// <param name="Checkpoint">The signed checkpoint itself.</param>
internal sealed record ExportManifest(
    string Origin,
    DateTimeOffset Time,
    string Format,
    string Sha256,
    long Bytes,
    long Entries,
    long From,
    long To,
    string? Filter,
    IReadOnlyList<string>? Edge,
    IReadOnlyList<string>? Tiles,
    IReadOnlyList<string>? Proof,
    string Checkpoint)
{
    // No checkpoint has this for its second line, so that neither is ever taken for the other.
    public const string Header = "modular audit export manifest v1";

    private static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web)
    {
        DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
        Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    };

    /// <summary>The numbers of the tiles that lie within a range.</summary>
    public static (long First, long End) TilesWithin(long from, long to) =>
        ((from + Tile.Width - 1) >> Tile.Height, Math.Max((from + Tile.Width - 1) >> Tile.Height, to >> Tile.Height));

    public string ToText() => $"{Header}\n{JsonSerializer.Serialize(this, Json)}\n";

    public static ExportManifest? Read(string text)
    {
        try
        {
            return text.Split('\n') is [Header, var json, ""] ? JsonSerializer.Deserialize<ExportManifest>(json, Json) : null;
        }
        catch (JsonException)
        {
            return null;
        }
    }
}
