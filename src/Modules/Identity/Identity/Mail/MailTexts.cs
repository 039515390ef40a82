using System.Text.RegularExpressions;
using Microsoft.Extensions.Options;

namespace Modular.Identity;

/// <summary>What a mail is about; its text is the file of the same name in kebab case.</summary>
internal enum MailKind
{
    VerifyEmail,
    ResetPassword,

    /// <summary>To the new address: is it yours?</summary>
    ChangeEmail,

    /// <summary>To the old address, where <c>Auth:ConfirmEmailChange</c> is on: may it change?</summary>
    ConfirmEmailChange,

    /// <summary>To the old address, afterwards.</summary>
    EmailChanged,
    PasswordChanged,
    DeleteAccount,
    AccountDeleted,
    NewDevice,
    PasskeyAdded,
    PasskeyRemoved,

    /// <summary>To whoever is asked to join an organization.</summary>
    Invitation,
    TwoFactorEnabled,
    TwoFactorDisabled,
    TwoFactorCode,

    /// <summary>A link that signs in, or up.</summary>
    MagicLink,
    SignInCode,
    VerifyEmailCode,
    ResetPasswordCode,

    /// <summary>To the new address.</summary>
    ChangeEmailCode,

    /// <summary>To the mentor.</summary>
    OfficeSessionRequested,
    OfficeSessionConfirmed,
    OfficeSessionDeclined,
    OfficeSessionCancelled,

    /// <summary>To both sides.</summary>
    OfficeSessionReminder,
}

/// <summary>A mail as it goes out: plain text.</summary>
internal sealed record Mail(string Id, string To, string Subject, string Text);

/// <summary>
/// The texts of mails: ours, or the operator's from the folder <c>Mail:Texts</c>. A file has a line <c>Subject: …</c>, an
/// empty line, and the text, with placeholders in braces. A user's name is none of them: whoever signs up with somebody
/// else's address would choose what we write to them.
/// </summary>
internal sealed partial class MailTexts(IOptions<MailOptions> options)
{
    private const string SubjectMark = "Subject: ";

    private static readonly string[] Anywhere = ["app", "email"];
    private static readonly string[] OfLinks = ["link", "valid"];
    private static readonly string[] Useful = ["link", "code"];
    private static readonly string[] OfCodes = ["code", "valid"];
    private static readonly string[] OfNotices = ["time"];
    private static readonly string[] OfDevices = ["time", "device", "address"];

    private readonly Dictionary<MailKind, (string Subject, string Text)> texts =
        Enum.GetValues<MailKind>().ToDictionary(kind => kind, kind => Split(Load(kind, options.Value.Texts))!.Value);

    /// <summary>What is wrong with the operator's folder; null when nothing is.</summary>
    public static string? Problem(string? folder)
    {
        if (folder is null)
            return null;
        if (!Directory.Exists(folder))
            return $"Mail:Texts: the folder '{folder}' does not exist.";
        var known = Enum.GetValues<MailKind>().ToDictionary(FileOf);
        return Directory.EnumerateFiles(folder, "*.txt").Order(StringComparer.Ordinal)
            .Select(path => known.TryGetValue(Path.GetFileName(path), out var kind)
                ? Problem(Path.GetFileName(path), kind, File.ReadAllText(path))
                : $"Mail:Texts: '{Path.GetFileName(path)}' is no mail of ours; they are {string.Join(", ", known.Keys)}.")
            .FirstOrDefault(problem => problem is not null);
    }

    public Mail Render(string id, MailWish wish)
    {
        var (subject, text) = texts[wish.Kind];
        return new Mail(id, wish.To, Fill(subject, wish), Fill(text, wish));
    }

    private static string? Problem(string file, MailKind kind, string content)
    {
        if (Split(content) is not { } parts)
            return $"Mail:Texts: '{file}' must begin with a line '{SubjectMark}…' and an empty line.";
        var allowed = PlaceholdersOf(kind);
        var used = Placeholder().Matches(parts.Subject + parts.Text).Select(match => match.Groups[1].Value).ToHashSet();
        if (used.FirstOrDefault(name => !allowed.Contains(name)) is { } unknown)
            return $"Mail:Texts: '{file}' uses {{{unknown}}}; it may use {string.Join(", ", allowed.Select(name => $"{{{name}}}"))}.";
        return Array.Find(Useful, name => allowed.Contains(name) && !parts.Text.Contains($"{{{name}}}", StringComparison.Ordinal)) is { } missing
            ? $"Mail:Texts: '{file}' lacks {{{missing}}}, without which the mail is useless."
            : null;
    }

    private static IReadOnlyList<string> PlaceholdersOf(MailKind kind) => kind switch
    {
        MailKind.Invitation => [.. Anywhere, .. OfLinks, "organization"],
        MailKind.NewDevice => [.. Anywhere, .. OfDevices],
        MailKind.TwoFactorCode or MailKind.SignInCode or MailKind.VerifyEmailCode or MailKind.ResetPasswordCode or MailKind.ChangeEmailCode =>
            [.. Anywhere, .. OfCodes],
        MailKind.EmailChanged or MailKind.PasswordChanged or MailKind.AccountDeleted or MailKind.TwoFactorEnabled or MailKind.TwoFactorDisabled
            or MailKind.PasskeyAdded or MailKind.PasskeyRemoved
            or MailKind.OfficeSessionRequested or MailKind.OfficeSessionConfirmed or MailKind.OfficeSessionDeclined
            or MailKind.OfficeSessionCancelled or MailKind.OfficeSessionReminder => [.. Anywhere, .. OfNotices],
        _ => [.. Anywhere, .. OfLinks],
    };

    private static string Fill(string template, MailWish wish) =>
        Placeholder().Replace(template, match => wish.Values.TryGetValue(match.Groups[1].Value, out var value) ? value : match.Value);

    private static (string Subject, string Text)? Split(string content)
    {
        var lines = content.ReplaceLineEndings("\n").Split('\n', 3);
        return lines is [var first, "", { Length: > 0 } text] && first.StartsWith(SubjectMark, StringComparison.Ordinal)
            ? (first[SubjectMark.Length..].Trim(), text)
            : null;
    }

    private static string Load(MailKind kind, string? folder)
    {
        if (folder is not null && Path.Combine(folder, FileOf(kind)) is var own && File.Exists(own))
            return File.ReadAllText(own);
        using var stream = typeof(MailTexts).Assembly.GetManifestResourceStream($"mail/{FileOf(kind)}")!;
        using var reader = new StreamReader(stream);
        return reader.ReadToEnd();
    }

    // ResetPassword → reset-password.txt
    private static string FileOf(MailKind kind) =>
        WordStart().Replace(kind.ToString(), "-$0").ToLowerInvariant() + ".txt";

    [GeneratedRegex(@"\{([a-z]+)\}")]
    private static partial Regex Placeholder();

    [GeneratedRegex("(?<!^)[A-Z]")]
    private static partial Regex WordStart();
}
