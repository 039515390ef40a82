using System.Globalization;
using System.Text.Json;

namespace Modular.Identity;

/// <summary>
/// A row of another system. Its columns may be written <c>emailVerified</c> or <c>email_verified</c>, its values as PostgreSQL,
/// a JSON dump or a CSV file has them.
/// </summary>
internal sealed class ImportRow
{
    private readonly Dictionary<string, JsonElement> members = new(StringComparer.Ordinal);

    private ImportRow(JsonElement json)
    {
        Json = json;
        foreach (var member in json.EnumerateObject())
            members[Plain(member.Name)] = member.Value;
    }

    public JsonElement Json { get; }

    /// <summary>Null: it is no object, or holds what is no text.</summary>
    public static ImportRow? Read(string row)
    {
        try
        {
            using var json = JsonDocument.Parse(row);
            return json.RootElement.ValueKind == JsonValueKind.Object ? new ImportRow(json.RootElement.Clone()) : null;
        }
        catch (Exception malformed) when (malformed is JsonException or InvalidOperationException)
        {
            return null;
        }
    }

    public bool Has(string name) => members.ContainsKey(Plain(name));

    /// <summary>A text that is not empty, and that PostgreSQL can store.</summary>
    public string? Text(string name) => Of(name) switch
    {
        { ValueKind: JsonValueKind.String } text => Storable(text),
        { ValueKind: JsonValueKind.Number } number => number.GetRawText(),
        _ => null,
    };

    public bool Flag(string name) => Of(name) switch
    {
        { ValueKind: JsonValueKind.True } => true,
        { ValueKind: JsonValueKind.Number } number => number.GetRawText() != "0",
        { ValueKind: JsonValueKind.String } text => text.GetString() is "t" or "true" or "TRUE" or "True" or "1",
        _ => false,
    };

    /// <summary>
    /// In milliseconds, as times are here. One without a zone is UTC; a number is milliseconds, or seconds where that would be long ago.
    /// </summary>
    public DateTimeOffset? Time(string name) => Of(name) switch
    {
        { ValueKind: JsonValueKind.String } text => FromText(text.GetString()!),
        { ValueKind: JsonValueKind.Number } number when number.TryGetDouble(out var value) => FromNumber(value),
        _ => null,
    };

    private static DateTimeOffset? FromText(string text) =>
        DateTimeOffset.TryParse(text, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal | DateTimeStyles.AdjustToUniversal, out var time) ? time.AddTicks(-(time.Ticks % TimeSpan.TicksPerMillisecond))
        : double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out var number) ? FromNumber(number)
        : null;

    private static DateTimeOffset? FromNumber(double value)
    {
        const double Milliseconds = 100_000_000_000;
        var milliseconds = Math.Abs(value) >= Milliseconds ? value : value * 1000;
        return milliseconds is > -62_000_000_000_000 and < 253_000_000_000_000 ? DateTimeOffset.FromUnixTimeMilliseconds((long)milliseconds) : null;
    }

    private static string? Storable(JsonElement text)
    {
        try
        {
            return text.GetString() is { Length: > 0 } read && !read.Contains('\0') ? read : null;
        }
        catch (InvalidOperationException)
        {
            // Half of a surrogate pair.
            return null;
        }
    }

    private static string Plain(string name) => name.Replace("_", "", StringComparison.Ordinal).ToLowerInvariant();

    private JsonElement? Of(string name) => members.TryGetValue(Plain(name), out var member) ? member : null;
}
