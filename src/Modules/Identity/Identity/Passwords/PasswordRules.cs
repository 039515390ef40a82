using System.Collections.Frozen;
using Modular.Kernel;

namespace Modular.Identity;

/// <summary>
/// What a new password must be: 8 to 128 characters, and none that guessers try first (ASVS 5.0 6.2.1, 6.2.4, 6.2.9,
/// 6.2.11). No rules of composition (6.2.5), and it stays as it was typed (6.2.8).
/// </summary>
internal static class PasswordRules
{
    internal static readonly Refusal TooShort = Refusal.BadRequest("PASSWORD_TOO_SHORT");

    internal static readonly Refusal TooLong = Refusal.BadRequest("PASSWORD_TOO_LONG");

    /// <summary>The code and the words of Better Auth's plugin for compromised passwords: its clients know them.</summary>
    internal static readonly Refusal TooCommon = Refusal.BadRequest(
        "PASSWORD_COMPROMISED", "The password you entered has been compromised. Please choose a different password.");

    private static readonly Lazy<FrozenSet<string>> Common = new(Load);

    /// <summary>Why the password may not be chosen, or null.</summary>
    /// <param name="password">As typed.</param>
    /// <param name="personal">Texts that are known of the user: their address, their name.</param>
    public static Refusal? Refuse(string password, params ReadOnlySpan<string> personal)
    {
        if (password.Length < PasswordOptions.ShortestPassword)
            return TooShort;
        if (password.Length > PasswordOptions.LongestPassword)
            return TooLong;
        if (Common.Value.Contains(password.ToLowerInvariant()))
            return TooCommon;
        foreach (var text in personal)
        {
            if (IsMerely(password, text) || IsMerely(password, text.Split('@')[0]))
                return TooCommon;
        }

        return null;
    }

    private static bool IsMerely(string password, string text) => password.Equals(text, StringComparison.OrdinalIgnoreCase);

    private static FrozenSet<string> Load()
    {
        using var stream = typeof(PasswordRules).Assembly.GetManifestResourceStream("common-passwords.txt")!;
        using var lines = new StreamReader(stream);
        return lines.ReadToEnd().Split('\n', StringSplitOptions.RemoveEmptyEntries).ToFrozenSet();
    }
}
