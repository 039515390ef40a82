using System.Text.Json;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Modular.Testing;

namespace Modular.Profiles.Tests;

/// <summary>Every route of the module against every kind of caller, by the table <c>people.json</c>.</summary>
public sealed class PeopleRoutesTests(PeopleApp app) : IClassFixture<PeopleApp>
{
    private static readonly JsonElement Table = JsonDocument.Parse(
        File.ReadAllText(Path.Combine(AppContext.BaseDirectory, "Authorization", "people.json"))).RootElement;

    /// <summary>Who and what the routes of one call name.</summary>
    private sealed record Scene(Person Mentor, Person Mentee, string Session, string Token, DateTimeOffset Free)
    {
        public string Filled(string text) => text
            .Replace("{id}", Mentor.Id, StringComparison.Ordinal).Replace("{session}", Session, StringComparison.Ordinal)
            .Replace("{token}", Token, StringComparison.Ordinal).Replace("{free}", People.Iso(Free), StringComparison.Ordinal);
    }

    [Fact]
    public void No_route_is_without_a_row_and_no_row_without_a_route()
    {
        var routes = app.Services.GetRequiredService<EndpointDataSource>().Endpoints.OfType<RouteEndpoint>()
            .Where(route => route.RoutePattern.RawText!.StartsWith("/api/", StringComparison.Ordinal) && Handlers(route))
            .Select(route => $"{route.Metadata.GetMetadata<IHttpMethodMetadata>()!.HttpMethods.Single()} {Named(route.RoutePattern.RawText!)}");
        Assert.Equal(Table.GetProperty("routes").EnumerateObject().Select(row => row.Name).Order(), routes.Order());
    }

    [Fact]
    public async Task Every_caller_is_answered_as_the_table_says()
    {
        var root = await app.Root();
        var callers = new Dictionary<string, Person?>
        {
            ["signed-out"] = null,
            ["user"] = await app.SignedUp(),
            ["mentee"] = await app.Mentee(),
            ["mentor"] = await app.Mentor(),
            ["pm"] = await app.WithRole(root, "pm"),
            ["admin"] = root,
        };
        var wrong = new List<string>();
        foreach (var caller in Table.GetProperty("callers").EnumerateArray().Select(name => name.GetString()!))
        {
            foreach (var row in Table.GetProperty("routes").EnumerateObject())
            {
                var scene = await Set();
                var person = caller switch { "the mentor" => scene.Mentor, "the mentee" => scene.Mentee, _ => callers[caller] };
                var answer = await Call(person, row.Name, row.Value, scene);
                var expected = (row.Value.TryGetProperty(caller, out var own) ? own : row.Value.GetProperty("otherwise")).GetString();
                var given = answer.Status >= 400 ? $"{answer.Status} {answer.Code()}" : $"{answer.Status}";
                if (expected != given)
                    wrong.Add($"{row.Name} as {caller}: {given} instead of {expected}");
            }
        }

        Assert.Empty(wrong);
    }

    private static bool Handlers(RouteEndpoint route) =>
        route.Metadata.GetMetadata<System.Reflection.MethodInfo>()?.Module.Assembly == typeof(ProfilesModule).Assembly;

    // Of an office session {id} is its own.
    private static string Named(string path) => path.Contains("office-sessions/{id}", StringComparison.Ordinal) ? path.Replace("{id}", "{session}", StringComparison.Ordinal) : path;

    private async Task<Scene> Set()
    {
        var (mentor, mentee, free) = (await app.Mentor(), await app.Mentee(), app.InDays(3));
        await Send(mentor, "PUT", $"/api/profiles/{mentor.Id}/image", Pictures.Png(2, 2));
        var session = (await app.Send(mentee, "POST", "/api/office-sessions", new { mentorId = mentor.Id, startsAt = People.Iso(free) }, 201)).Json().Text("id");
        var feed = (await app.Send(mentor, "POST", "/api/calendar-feed", null, 201)).Json().Text("url");
        return new Scene(mentor, mentee, session, feed.Split('/')[^1][..^4], free.AddHours(2));
    }

    private Task<ScenarioResult> Call(Person? caller, string route, JsonElement row, Scene scene)
    {
        var (method, path) = (route.Split(' ')[0], scene.Filled(route.Split(' ')[1]));
        if (row.TryGetProperty("query", out var query))
            path = $"{path}?{query.GetString()}";
        if (!row.TryGetProperty("body", out var body))
            return app.Send(caller, method, path, null, status: null);
        return body.ValueKind == JsonValueKind.String
            ? Send(caller, method, path, Pictures.Png(2, 2))
            : app.Send(caller, method, path, JsonDocument.Parse(scene.Filled(body.GetRawText())).RootElement, status: null);
    }

    private Task<ScenarioResult> Send(Person? person, string method, string path, byte[] picture)
    {
        var cookies = person?.Browser.CookieHeader;
        return app.Scenario(_ =>
        {
            if (cookies is not null)
                _.WithRequestHeader("Cookie", cookies);
            (method == "PUT" ? _.Put : _.Post).Bytes(picture, "image/png").ToUrl(path);
            _.IgnoreStatusCode();
        });
    }
}
