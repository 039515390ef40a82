using System.Text.Json;

namespace Modular.Profiles.Tests;

public sealed class ProfilesOverHttp(PeopleApp app) : IClassFixture<PeopleApp>
{
    [Fact]
    public async Task What_is_private_and_what_does_not_exist_answer_alike()
    {
        var (ada, bob) = (await app.SignedUp(), await app.SignedUp("Bob"));
        var hidden = await app.Read(bob, $"/api/profiles/{ada.Id}", 404);
        var unknown = await app.Read(bob, $"/api/profiles/{Guid.NewGuid():N}", 404);
        Assert.Equal(("profile_not_found", hidden.Body), (hidden.Code(), unknown.Body));
    }

    [Fact]
    public async Task Members_sees_whoever_is_signed_in_and_public_everybody_but_only_its_owner_sees_addresses()
    {
        var (ada, bob) = (await app.SignedUp(), await app.SignedUp("Bob"));
        await app.Send(ada, "PUT", "/api/profiles/me", new { headline = "Mathematician", visibility = "members" });
        var seen = (await app.Read(bob, $"/api/profiles/{ada.Id}")).Json();
        Assert.Equal("Mathematician", seen.Text("headline"));
        foreach (var hidden in (string[])["email", "status", "lastLoginAt", "createdAt", "nextOfficeSessions"])
            Assert.False(seen.TryGetProperty(hidden, out var _), hidden);
        await app.Read(null, $"/api/profiles/{ada.Id}", 404);

        await app.Send(ada, "PUT", $"/api/profiles/{ada.Id}", new { headline = "Mathematician", visibility = "public" });
        Assert.Equal("Mathematician", (await app.Read(null, $"/api/profiles/{ada.Id}")).Json().Text("headline"));
    }

    [Fact]
    public async Task Somebody_else_may_not_change_it_and_an_administrator_may()
    {
        var (ada, bob, root) = (await app.SignedUp(), await app.SignedUp("Bob"), await app.Root());
        Assert.Equal("forbidden", (await app.Send(bob, "PUT", $"/api/profiles/{ada.Id}", new { headline = "Mine" }, 403)).Code());
        await app.Send(root, "PUT", $"/api/profiles/{ada.Id}", new { headline = "By hand" });
        Assert.Equal("By hand", (await app.Read(ada, "/api/profiles/me")).Json().Text("headline"));
        Assert.Equal("stale_version", (await app.Send(root, "PUT", $"/api/profiles/{ada.Id}", new { headline = "x" }, 412, "\"99\"")).Code());
        await app.Send(root, "PUT", $"/api/profiles/{Guid.NewGuid():N}", new { headline = "x" }, 404);
    }

    [Fact]
    public async Task The_last_sign_in_is_shown_and_outlives_the_session()
    {
        var ada = await app.SignedUp();
        var first = (await app.Read(ada, "/api/profiles/me")).Json().GetProperty("lastLoginAt").GetDateTimeOffset();
        app.Clock.Advance(TimeSpan.FromMinutes(1));
        var again = await app.SignedIn(ada.Email);
        await app.Send(again, "POST", "/api/auth/sign-out", new { });
        var root = await app.Root();
        var last = (await app.Read(root, $"/api/profiles/{ada.Id}")).Json().GetProperty("lastLoginAt").GetDateTimeOffset();
        Assert.True(last - first >= TimeSpan.FromMinutes(1));
        // Whoever impersonates them has not been them.
        app.Clock.Advance(TimeSpan.FromMinutes(1));
        await app.Send(root, "POST", "/api/auth/admin/impersonate-user", new { userId = ada.Id });
        Assert.Equal(last, (await app.Read(root, $"/api/profiles/{ada.Id}")).Json().GetProperty("lastLoginAt").GetDateTimeOffset());
    }

    [Fact]
    public async Task The_list_is_searched_filtered_and_paged_and_right_at_once()
    {
        var root = await app.Root();
        var word = $"w{Guid.NewGuid():N}";
        var people = new List<Person>();
        for (var i = 0; i < 5; i++)
            people.Add(await app.SignedUp($"{word} {i}%"));
        var seen = new List<string>();
        string? next = null;
        do
        {
            var page = (await app.Read(root, $"/api/profiles?search={word.ToUpperInvariant()}&limit=2&after={next}")).Json();
            seen.AddRange(page.GetProperty("profiles").EnumerateArray().Select(profile => profile.Text("userId")));
            next = page.GetProperty("next").GetString();
        }
        while (next is not null);
        Assert.Equal(people.Select(person => person.Id), seen);

        Assert.Equal([people[3].Id], await Ids(root, $"search={word} 3%25"));
        await app.Send(root, "POST", "/api/auth/admin/set-role", new { userId = people[0].Id, role = "pm" });
        Assert.Equal([people[0].Id], await Ids(root, $"search={word}&role=pm"));
        await app.Send(root, "POST", "/api/auth/admin/set-status", new { userId = people[1].Id, status = "inactive" });
        await app.Send(root, "POST", "/api/auth/admin/ban-user", new { userId = people[2].Id });
        Assert.Equal([people[1].Id], await Ids(root, $"search={word}&status=inactive"));
        Assert.Equal([people[2].Id], await Ids(root, $"search={word}&status=suspended"));
        Assert.Equal([people[0].Id, people[3].Id, people[4].Id], await Ids(root, $"search={word}&status=active"));

        var club = (await app.Send(people[3], "POST", "/api/auth/organization/create", new { name = "Club", slug = word })).Json().Text("id");
        Assert.Equal([people[3].Id], await Ids(root, $"organization={club}"));
        // Who looks after people sees them, too; nobody else.
        Assert.Equal([people[3].Id], await Ids(people[0], $"organization={club}"));
        await app.Read(people[3], "/api/profiles", 403);
    }

    [Theory]
    [InlineData("role=king", "role")]
    [InlineData("status=asleep", "status")]
    [InlineData("after=nonsense", "after")]
    [InlineData("after=!!", "after")]
    [InlineData("limit=0", "limit")]
    [InlineData("limit=101", "limit")]
    [InlineData("search=%00", "search")]
    public async Task A_wrong_filter_is_named(string query, string field)
    {
        var result = (await app.Read(await app.Root(), $"/api/profiles?{query}", 400)).Json();
        Assert.Equal(("validation_failed", field), (result.Text("code"), result.GetProperty("details")[0].Text("field")));
    }

    [Theory]
    [InlineData("inactive")]
    [InlineData("suspended")]
    public async Task Whoever_is_not_active_has_no_session_any_more_and_cannot_sign_in(string status)
    {
        var (ada, root) = (await app.SignedUp(), await app.Root());
        Assert.Equal("active", (await app.Read(ada, "/api/profiles/me")).Json().Text("status"));
        var answer = (await app.Send(root, "POST", "/api/auth/admin/set-status", new { userId = ada.Id, status, reason = "away" })).Json();
        Assert.Equal((status, true), (answer.Text("status"), answer.GetProperty("user").GetProperty("banned").GetBoolean()));
        await app.Read(ada, "/api/profiles/me", 401);
        var refused = await app.Send(null, "POST", "/api/auth/sign-in/email", new { email = ada.Email, password = People.Password }, 403);
        Assert.Equal("BANNED_USER", refused.Code());
        Assert.Equal(status, (await app.Read(root, $"/api/profiles/{ada.Id}")).Json().Text("status"));

        await app.Send(root, "POST", "/api/auth/admin/set-status", new { userId = ada.Id, status = "active" });
        Assert.Equal("active", (await app.Read(await app.SignedIn(ada.Email), "/api/profiles/me")).Json().Text("status"));
    }

    [Fact]
    public async Task The_last_administrator_stays_active()
    {
        var root = await app.Root();
        var answer = await app.Send(root, "POST", "/api/auth/admin/set-status", new { userId = root.Id, status = "inactive" }, 400);
        Assert.Equal("YOU_CANNOT_BAN_YOURSELF", answer.Code());
        var other = await app.WithRole(root, "admin");
        await app.Send(root, "POST", "/api/auth/admin/set-status", new { userId = other.Id, status = "inactive" });
        await app.Send(root, "POST", "/api/auth/admin/set-status", new { userId = other.Id, status = "nonsense" }, 400);
    }

    [Theory]
    [InlineData("https://evil.example.com", "invalid_origin")]
    [InlineData("null", "missing_or_null_origin")]
    public async Task A_page_of_another_origin_changes_nothing(string origin, string code)
    {
        var ada = await app.SignedUp();
        var cookies = ada.Browser.CookieHeader;
        var answer = await app.Scenario(_ =>
        {
            _.WithRequestHeader("Cookie", cookies);
            _.WithRequestHeader("Origin", origin);
            _.Delete.Url("/api/calendar-feed");
            _.StatusCodeShouldBe(403);
        });
        Assert.Equal(code, answer.Code());
        // A program that says nothing is no page.
        await app.Scenario(_ =>
        {
            _.WithRequestHeader("Cookie", cookies);
            _.Delete.Url("/api/calendar-feed");
            _.StatusCodeShouldBe(204);
        });
    }

    [Fact]
    public async Task A_sound_answer_has_the_relations()
    {
        var mentor = await app.Mentor();
        var own = (await app.Read(mentor, "/api/profiles/me")).Json();
        Assert.Equal("Compilers", own.GetProperty("mentor").Text("biography"));
        Assert.Equal("Etc/UTC", own.GetProperty("availability").Text("timeZone"));
        Assert.Equal(["mentor"], own.GetProperty("roles").EnumerateArray().Select(role => role.GetString()));
        Assert.Equal(JsonValueKind.Null, own.GetProperty("mentee").ValueKind);
        Assert.Equal(0, own.GetProperty("nextOfficeSessions").GetArrayLength());
    }

    private async Task<IEnumerable<string>> Ids(Person person, string query) =>
        (await app.Read(person, $"/api/profiles?{query}")).Json().GetProperty("profiles").EnumerateArray().Select(profile => profile.Text("userId"));
}
