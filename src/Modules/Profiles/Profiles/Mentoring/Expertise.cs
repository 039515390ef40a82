using System.Text;
using System.Text.RegularExpressions;

namespace Modular.Profiles;

/// <summary>How well somebody knows something, from less to more.</summary>
internal enum Level
{
    Beginner,
    Intermediate,
    Advanced,
    Expert,
}

/// <summary>What somebody knows, and how well.</summary>
/// <param name="Tag">As <see cref="Normal"/> writes it.</param>
internal sealed partial record Expertise(string Tag, Level Level)
{
    public const int LongestTag = 40;

    /// <summary>One way to write what people write in many: <c>C#</c> and <c>c#</c>, <c>Machine  Learning</c> and <c>machine-learning</c>. Null: nothing is left, or it is too long.</summary>
    public static string? Normal(string? text)
    {
        if (text is null || text.Length > 4 * LongestTag || !ProfileText.IsStorable(text) || !IsWellFormed(text))
            return null;
        var lower = text.Normalize(NormalizationForm.FormKC).ToLowerInvariant();
        var tag = Others().Replace(lower, "-").Trim('-');
        return tag.Length is > 0 and <= LongestTag ? tag : null;
    }

    /// <summary>Everything this answers to: the tag, and the tag with each level up to its own (<c>c#:advanced</c>), so that asking for a level finds those above it.</summary>
    public IEnumerable<string> Keys => Enum.GetValues<Level>()
        .Where(level => level <= Level).Select(level => Key(Tag, level)).Prepend(Tag);

    public static string Key(string tag, Level level) => $"{tag}:{level.ToString().ToLowerInvariant()}";

    public static Level? LevelOf(string? text) => text switch
    {
        "beginner" => Level.Beginner,
        "intermediate" => Level.Intermediate,
        "advanced" => Level.Advanced,
        "expert" => Level.Expert,
        _ => null,
    };

    // Half a surrogate pair cannot be normalised.
    private static bool IsWellFormed(string text) => !text.EnumerateRunes().Any(rune => rune == Rune.ReplacementChar);

    [GeneratedRegex(@"[^\p{L}\p{M}\p{N}+#.]+", RegexOptions.CultureInvariant)]
    private static partial Regex Others();
}
