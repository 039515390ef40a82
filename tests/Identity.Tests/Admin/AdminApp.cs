using System.Text.Json;
using Modular.Testing;

namespace Modular.Identity.Tests;

/// <summary>A server with an administrator of its own.</summary>
public sealed class AdminApp : App
{
    public const string Email = "root@example.com";

    public AdminApp()
        : base(new() { ["Admin:Email"] = Email, ["Admin:Password"] = People.Password })
    {
    }
}

/// <summary>What administrators do, by the public API.</summary>
internal static class Administrators
{
    /// <summary>The first administrator, in a browser of their own.</summary>
    public static async Task<Person> Root(this App app) => await app.SignedIn(AdminApp.Email);

    public static async Task<Person> SignedIn(this App app, string email, string password = People.Password)
    {
        var browser = app.Browser();
        var result = await app.Scenario(_ => _.As(browser).Post.Json(new { email, password }).ToUrl("/api/auth/sign-in/email"));
        return new Person(result.Json().GetProperty("user").GetProperty("id").GetString()!, email, browser, result.Json());
    }

    /// <summary>Somebody new with a role.</summary>
    public static async Task<Person> Made(this App app, Person root, string role)
    {
        var person = await app.SignedUp();
        await app.Act(root, "set-role", new { userId = person.Id, role });
        return person;
    }

    public static Task<ScenarioResult> Act(this App app, Person actor, string act, object body, int status = 200) => app.Scenario(_ =>
    {
        _.As(actor.Browser).Post.Json(body).ToUrl($"/api/auth/admin/{act}");
        _.StatusCodeShouldBe(status);
    });

    /// <summary>The same at once by several requests of one browser, whatever becomes of them.</summary>
    public static Task<ScenarioResult> Race(this App app, Person actor, string path, object body)
    {
        var cookies = actor.Browser.CookieHeader;
        return app.Scenario(_ =>
        {
            _.WithRequestHeader("Cookie", cookies);
            _.WithRequestHeader("Origin", app.Url);
            _.Post.Json(body).ToUrl(path);
            _.IgnoreStatusCode();
        });
    }

    public static Task<ScenarioResult> Look(this App app, Person actor, string query, int status = 200) => app.Scenario(_ =>
    {
        _.As(actor.Browser).Get.Url($"/api/auth/admin/{query}");
        _.StatusCodeShouldBe(status);
    });

    /// <summary>What get-session says; null when signed out.</summary>
    public static async Task<JsonElement?> Session(this App app, Browser browser)
    {
        var result = await app.Scenario(_ => _.As(browser).Get.Url("/api/auth/get-session"));
        return result.Body == "null" ? null : result.Json();
    }
}
