using System.Text.RegularExpressions;
using Microsoft.Extensions.DependencyInjection;
using Modular.Store;
using Modular.Testing;

namespace Modular.Identity.Tests;

/// <summary>Codes and links that sign in, by the public API.</summary>
internal static partial class Codes
{
    public const string Invalid = """{"message":"Invalid OTP","code":"INVALID_OTP"}""";
    public const string TooMany = """{"message":"Too many attempts","code":"TOO_MANY_ATTEMPTS"}""";
    public const string Expired = """{"message":"OTP expired","code":"OTP_EXPIRED"}""";
    public const string Sent = """{"success":true}""";

    public static Task<ScenarioResult> AskCode(this App app, string email, string type, int status = 200) =>
        app.Post("/api/auth/email-otp/send-verification-otp", new() { ["email"] = email, ["type"] = type }, status);

    /// <summary>Asks for a code and reads it.</summary>
    public static async Task<string> Code(this App app, string email, string type)
    {
        await app.AskCode(email, type);
        return await app.MailedCode(email);
    }

    /// <summary>The code of the latest mail to an address.</summary>
    public static async Task<string> MailedCode(this App app, string email)
    {
        var text = (await app.MailsTo(email))[^1].GetProperty("text").GetString()!;
        return SixDigits().Match(text).Value;
    }

    /// <summary>Another one.</summary>
    public static string Wrong(string code) => code[..5] + (char)('0' + ((code[5] - '0' + 1) % 10));

    public static Task<ScenarioResult> SignInByCode(this App app, string email, string otp, int status = 200, Browser? browser = null) =>
        app.Scenario(_ =>
        {
            (browser is null ? _ : _.As(browser)).Post.Json(new { email, otp, name = "New" }).ToUrl("/api/auth/sign-in/email-otp");
            _.StatusCodeShouldBe(status);
        });

    public static Task<ScenarioResult> SignInByCodeAnyhow(this App app, string email, string otp) => app.Scenario(_ =>
    {
        _.Post.Json(new { email, otp }).ToUrl("/api/auth/sign-in/email-otp");
        _.IgnoreStatusCode();
    });

    /// <summary>Asks for a link and reads it.</summary>
    public static async Task<string> MagicLink(this App app, string email, params (string Name, object? Value)[] more)
    {
        var body = new Dictionary<string, object?> { ["email"] = email };
        foreach (var (name, value) in more)
            body[name] = value;
        Assert.Equal("""{"status":true}""", (await app.Post("/api/auth/sign-in/magic-link", body)).Body);
        return await app.LinkTo(email);
    }

    public static Task<ScenarioResult> Open(this App app, string link, Browser? browser = null) => app.Scenario(_ =>
    {
        (browser is null ? _ : _.As(browser)).Get.Url(link);
        _.IgnoreStatusCode();
    });

    /// <summary>A link that answers JSON.</summary>
    public static string Bare(string link) => link.Split('&')[0];

    public static async Task Ban(this App app, string userId)
    {
        await using var scope = app.Services.CreateAsyncScope();
        var store = scope.ServiceProvider.GetRequiredService<IDocumentSession>();
        store.Events.Append(userId, new UserBanned(userId, "spam", null, DateTimeOffset.UtcNow));
        await store.SaveChangesAsync();
    }

    public static async Task<string> SessionText(this App app, Browser browser) =>
        (await app.Scenario(_ => _.As(browser).Get.Url("/api/auth/get-session"))).Body;

    [GeneratedRegex(@"^\d{6}$", RegexOptions.Multiline)]
    private static partial Regex SixDigits();
}
