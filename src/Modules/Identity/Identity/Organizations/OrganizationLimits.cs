using System.Text.Json;
using Modular.Kernel;

namespace Modular.Identity;

/// <summary>How long the texts of an organization may be, and how they are read.</summary>
internal static class OrganizationLimits
{
    public const int NameBytes = 2_000;
    public const int SlugBytes = 300;
    public const int LogoBytes = 32 * 1024;
    public const int MetadataBytes = 16 * 1024;
    public const int RoleBytes = 1_000;

    public static string? Filled(WireBody body, string name, string? text, int most)
    {
        if (text is { Length: 0 } && body.Member(name) is not null)
            body.Fail(name, "Too small: expected string to have >=1 characters");
        Check(body, name, text, most);
        return text;
    }

    public static WireValue<string> Logo(WireBody body)
    {
        var logo = body.NullableString("logo");
        Check(body, "logo", logo.Value, LogoBytes);
        return logo;
    }

    /// <summary>As compact JSON.</summary>
    public static string? Metadata(WireBody body)
    {
        var metadata = body.OptionalObject("metadata") is { } given ? JsonSerializer.Serialize(given, WireJson.Options) : null;
        if (metadata?.Contains("\\u0000", StringComparison.Ordinal) == true)
            body.Fail("metadata", "Invalid input: unexpected NUL character");
        Check(body, "metadata", metadata, MetadataBytes);
        return metadata;
    }

    /// <summary>One name, several joined by commas, or an array of either; null when it is absent or none of them.</summary>
    public static IReadOnlyList<string>? Names(WireBody body, string name, bool required)
    {
        if (body.Member(name) is { ValueKind: JsonValueKind.Array })
            return body.OptionalStrings(name) is { } several ? Split(body, name, several) : null;
        var one = required ? body.RequiredString(name) : body.OptionalString(name);
        return one is null ? null : Split(body, name, [one]);
    }

    private static IReadOnlyList<string> Split(WireBody body, string name, IEnumerable<string> texts)
    {
        IReadOnlyList<string> names =
            [.. texts.SelectMany(text => text.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries)).Distinct()];
        Check(body, name, string.Join(',', names), RoleBytes);
        return names;
    }

    private static void Check(WireBody body, string name, string? text, int most)
    {
        if (text is not null && !UserLimits.Fits(text, most))
            body.Fail(name, $"Too big: expected string to have <={most} bytes");
    }
}
