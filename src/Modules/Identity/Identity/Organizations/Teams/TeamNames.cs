using System.Text.Json;
using Modular.Kernel;

namespace Modular.Identity;

/// <summary>What a team may be called.</summary>
internal static class TeamNames
{
    public const int MostBytes = 2_000;

    public static string Required(WireBody body) => Check(body, "name", body.RequiredString("name"))!;

    /// <summary>The text of a member of <c>data</c>; null when absent.</summary>
    public static string? OfData(WireBody body, JsonElement? data, string member)
    {
        if (data is not { ValueKind: JsonValueKind.Object } given || !given.TryGetProperty(member, out var value))
            return null;
        if (value.ValueKind == JsonValueKind.String)
            return Check(body, $"data.{member}", value.GetString());
        body.Fail($"data.{member}", $"Invalid input: expected string, received {KindOf(value)}");
        return null;
    }

    public static string KindOf(JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.True or JsonValueKind.False => "boolean",
        var kind => kind.ToString().ToLowerInvariant(),
    };

    private static string? Check(WireBody body, string member, string? text)
    {
        if (text is null)
            return null;
        if (text.Contains('\0'))
            body.Fail(member, "Invalid input: unexpected NUL character");
        else if (!UserLimits.Fits(text, MostBytes))
            body.Fail(member, $"Too big: expected string to have <={MostBytes} bytes");
        return text;
    }
}
