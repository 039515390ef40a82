using System.Text.Json;

namespace Modular.Identity;

/// <summary>Reads members of JSON that others have made; what is of another kind is absent.</summary>
internal static class JsonMembers
{
    /// <summary>A string that PostgreSQL can store.</summary>
    public static string? Text(JsonElement of, string name) =>
        Member(of, name) is { ValueKind: JsonValueKind.String } text && text.GetString() is { } read && !read.Contains('\0') ? read : null;

    public static long? Number(JsonElement of, string name) =>
        Member(of, name) is { ValueKind: JsonValueKind.Number } number && number.TryGetInt64(out var read) ? read : null;

    public static bool Is(JsonElement of, string name) => Member(of, name) is { ValueKind: JsonValueKind.True };

    public static JsonElement? Object(JsonElement of, string name) => Member(of, name) is { ValueKind: JsonValueKind.Object } member ? member : null;

    public static IEnumerable<JsonElement> Array(JsonElement of, string name) =>
        Member(of, name) is { ValueKind: JsonValueKind.Array } list ? list.EnumerateArray().Where(item => item.ValueKind == JsonValueKind.Object) : [];

    private static JsonElement? Member(JsonElement of, string name) =>
        of.ValueKind == JsonValueKind.Object && of.TryGetProperty(name, out var member) ? member : null;
}
