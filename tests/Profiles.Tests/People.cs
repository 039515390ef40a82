using System.Text.Json;
using Modular.Testing;

namespace Modular.Profiles.Tests;

/// <summary>A server with an administrator of its own.</summary>
public class PeopleApp : App
{
    public const string Root = "root@example.com";

    public PeopleApp()
        : base(new() { ["Admin:Email"] = Root, ["Admin:Password"] = People.Password })
    {
    }
}

internal sealed record Person(string Id, string Email, Browser Browser);

/// <summary>People and what they do, by the public API.</summary>
internal static class People
{
    public const string Password = "correct-horse-1";

    private static int made;

    /// <summary>Somebody new, signed in.</summary>
    public static async Task<Person> SignedUp(this App app, string name = "Ada")
    {
        var (browser, email) = (app.Browser(), $"person.{Interlocked.Increment(ref made)}@example.com");
        var result = await app.Scenario(_ => _.As(browser).Post.Json(new { name, email, password = Password }).ToUrl("/api/auth/sign-up/email"));
        return new Person(result.Json().GetProperty("user").GetProperty("id").GetString()!, email, browser);
    }

    public static async Task<Person> SignedIn(this App app, string email)
    {
        var browser = app.Browser();
        var result = await app.Scenario(_ => _.As(browser).Post.Json(new { email, password = Password }).ToUrl("/api/auth/sign-in/email"));
        return new Person(result.Json().GetProperty("user").GetProperty("id").GetString()!, email, browser);
    }

    public static Task<Person> Root(this App app) => app.SignedIn(PeopleApp.Root);

    public static async Task<Person> WithRole(this App app, Person root, string role)
    {
        var person = await app.SignedUp();
        await app.Send(root, "POST", "/api/auth/admin/set-role", new { userId = person.Id, role });
        return person;
    }

    public static async Task<Person> Mentee(this App app)
    {
        var person = await app.SignedUp("Max");
        await app.Send(person, "PUT", "/api/mentees/me", new { goals = "Learn" });
        return person;
    }

    /// <summary>A mentor who has time around the clock, in UTC.</summary>
    public static async Task<Person> Mentor(this App app, int slotMinutes = 30, int capacity = 100, params object[] expertise)
    {
        var person = await app.SignedUp("Grace");
        await app.Send(person, "PUT", "/api/mentors/me", new { biography = "Compilers", expertise, languages = Languages, capacity });
        await app.Send(person, "PUT", "/api/mentors/me/availability", AllDay("Etc/UTC", slotMinutes));
        return person;
    }

    public static object AllDay(string timeZone, int slotMinutes, string from = "00:00") => new
    {
        timeZone,
        slotMinutes,
        rules = Enum.GetNames<DayOfWeek>().Select(day => new { day = day.ToLowerInvariant(), from, to = "24:00" }),
    };

    /// <summary>A request of somebody; null: of nobody.</summary>
    public static Task<ScenarioResult> Send(this App app, Person? person, string method, string path, object? body = null, int? status = 200, string? ifMatch = null)
    {
        // Not with the jar itself: requests at once would write into it.
        var cookies = person?.Browser.CookieHeader;
        return app.Scenario(_ =>
        {
            if (cookies is not null)
                _.WithRequestHeader("Cookie", cookies);
            _.WithRequestHeader("Origin", app.Url);
            if (ifMatch is not null)
                _.WithRequestHeader("If-Match", ifMatch);
            var expression = method switch { "GET" => _.Get, "PUT" => _.Put, "DELETE" => _.Delete, _ => _.Post };
            (body is null ? expression : expression.Json(body)).ToUrl(path);
            if (status is { } expected)
                _.StatusCodeShouldBe(expected);
            else
                _.IgnoreStatusCode();
        });
    }

    public static Task<ScenarioResult> Read(this App app, Person? person, string path, int status = 200) => app.Send(person, "GET", path, null, status);

    public static string Code(this ScenarioResult result) => result.Json().GetProperty("code").GetString()!;

    public static string Text(this JsonElement json, string name) => json.GetProperty(name).GetString()!;

    /// <summary>A whole hour, some days from now.</summary>
    public static DateTimeOffset InDays(this App app, int days, int hour = 10) =>
        new(app.Clock.GetUtcNow().UtcDateTime.Date.AddDays(days).AddHours(hour), TimeSpan.Zero);

    public static string Iso(DateTimeOffset at) => at.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", System.Globalization.CultureInfo.InvariantCulture);

    private static readonly string[] Languages = ["en", "de-AT"];
}
