using System.Text.RegularExpressions;
using Modular.Testing;

namespace Modular.Identity.Tests;

/// <summary>People with an authenticator app, by the public API.</summary>
internal static partial class Factors
{
    private const string Alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

    /// <summary>Somebody new whose app is in force; its code of the step before this was used for that.</summary>
    public static async Task<Protected> Protected(this App app)
    {
        var person = await app.SignedUp();
        var (secret, codes) = await app.Prepare(person);
        await app.Factor(person.Browser, "verify-totp", new { code = app.CodeOf(secret, -1) });
        return new Protected(person, secret, codes);
    }

    public static async Task<(byte[] Secret, IReadOnlyList<string> Codes)> Prepare(this App app, Person person)
    {
        var json = (await app.Factor(person.Browser, "enable", new { password = People.Password })).Json();
        return (SecretOf(json.GetProperty("totpURI").GetString()!), [.. json.GetProperty("backupCodes").EnumerateArray().Select(code => code.GetString()!)]);
    }

    public static Task<ScenarioResult> Factor(this App app, Browser browser, string path, object? body = null, int? status = 200) => app.Scenario(_ =>
    {
        _.As(browser).Post.Json(body ?? new { }).ToUrl($"/api/auth/two-factor/{path}");
        if (status is { } expected)
            _.StatusCodeShouldBe(expected);
        else
            _.IgnoreStatusCode();
    });

    /// <summary>Signs in with the password.</summary>
    public static Task<ScenarioResult> Knock(this App app, Browser browser, string email, string password = People.Password, bool remember = true) =>
        app.Scenario(_ => _.As(browser).Post.Json(new { email, password, rememberMe = remember }).ToUrl("/api/auth/sign-in/email"));

    /// <summary>A browser that has shown the password and is asked for the second factor.</summary>
    public static async Task<Browser> Asked(this App app, string email, bool remember = true)
    {
        var browser = app.Browser();
        Assert.Contains("twoFactorRedirect", (await app.Knock(browser, email, remember: remember)).Body, StringComparison.Ordinal);
        return browser;
    }

    public static async Task<bool> IsIn(this App app, Browser browser) =>
        (await app.Scenario(_ => _.As(browser).Get.Url("/api/auth/get-session"))).Body != "null";

    /// <summary>The code of a step, now being its 0. Never at the end of a step, or the request would come in the next one.</summary>
    public static string CodeOf(this App app, byte[] secret, int away = 0)
    {
        var gone = app.Clock.GetUtcNow().ToUnixTimeSeconds() % 30;
        if (gone > 15)
            app.Clock.Advance(TimeSpan.FromSeconds(30 - gone));
        return Totp.Code(secret, Totp.StepOf(app.Clock.GetUtcNow()) + away);
    }

    /// <summary>One that no step around has.</summary>
    public static string WrongCodeOf(this App app, byte[] secret)
    {
        var right = Enumerable.Range(-2, 6).Select(away => app.CodeOf(secret, away)).ToHashSet();
        return Enumerable.Range(0, 10).Select(number => $"00000{number}").First(code => !right.Contains(code));
    }

    /// <summary>The code in the latest mail to an address.</summary>
    public static async Task<string> FactorCode(this App app, string email) =>
        SixDigits().Match((await app.MailsTo(email))[^1].GetProperty("text").GetString()!).Value;

    public static async Task<IReadOnlyList<string>> FactorEvents(this App app, string userId) =>
    [
        .. (await app.Sql("select type from identity.mt_events where (type like 'two_factor.%' or type like 'backup_codes.%') and data ->> 'userId' = $1 order by seq_id", userId))
            .Select(row => (string)row[0]!),
    ];

    private static byte[] SecretOf(string uri)
    {
        var bits = string.Concat(Secret().Match(uri).Groups[1].Value.Select(letter => Convert.ToString(Alphabet.IndexOf(letter), 2).PadLeft(5, '0')));
        return [.. Enumerable.Range(0, bits.Length / 8).Select(at => Convert.ToByte(bits.Substring(at * 8, 8), 2))];
    }

    [GeneratedRegex("secret=([A-Z2-7]+)")]
    private static partial Regex Secret();

    [GeneratedRegex(@"\b\d{6}\b")]
    private static partial Regex SixDigits();
}

internal sealed record Protected(Person Person, byte[] Secret, IReadOnlyList<string> Codes)
{
    public string Email => Person.Email;

    public string Id => Person.Id;

    public Browser Browser => Person.Browser;
}
