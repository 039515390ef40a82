using System.Text.Json;

namespace Modular.Profiles.Tests;

public sealed class ExpertiseTests
{
    [Theory]
    [InlineData("C#", "c#")]
    [InlineData("  Machine   Learning ", "machine-learning")]
    [InlineData("machine_learning", "machine-learning")]
    [InlineData(".NET", ".net")]
    [InlineData("C++", "c++")]
    [InlineData("Ｃ＃", "c#")]
    [InlineData("Größe", "größe")]
    [InlineData("--", null)]
    [InlineData("", null)]
    [InlineData(null, null)]
    [InlineData("a\0b", null)]
    [InlineData("a\ud800b", null)]
    [InlineData("01234567890123456789012345678901234567890", null)]
    public void A_tag_is_written_one_way(string? text, string? tag) => Assert.Equal(tag, Expertise.Normal(text));

    [Fact]
    public void Whoever_knows_more_is_found_by_less() =>
        Assert.Equal(["c#", "c#:beginner", "c#:intermediate", "c#:advanced"], new Expertise("c#", Level.Advanced).Keys);
}

public sealed class MentoringOverHttp(PeopleApp app) : IClassFixture<PeopleApp>
{
    private static readonly string[] Spanish = ["es"];
    private static readonly string[] Rust = ["Rust"];

    private static object Knows(string tag, string level = "advanced") => new { tag, level };

    [Fact]
    public async Task Becoming_a_mentor_and_mentee_changes_the_role_and_back()
    {
        var ada = await app.SignedUp();
        await app.Send(ada, "PUT", "/api/mentors/me", new { biography = "Engines", expertise = new[] { Knows("C#") } });
        Assert.Equal(["mentor"], await Roles(ada));
        await app.Send(ada, "PUT", "/api/mentees/me", new { goals = "More", interests = Rust });
        Assert.Equal(["mentor", "mentee"], await Roles(ada));
        var session = (await app.Read(ada, "/api/auth/get-session")).Json();
        Assert.Equal("mentor,mentee", session.GetProperty("user").Text("role"));
        await app.Send(ada, "DELETE", "/api/mentors/me", null, 204);
        await app.Send(ada, "DELETE", "/api/mentors/me", null, 204);
        Assert.Equal(["mentee"], await Roles(ada));
        await app.Send(ada, "DELETE", $"/api/mentees/{ada.Id}", null, 204);
        Assert.Equal(["user"], await Roles(ada));
        var reasons = (await app.Sql("select data ->> 'reason' from identity.mt_events where stream_id = $1 and type = 'user.role_set.1' order by version", ada.Id)).Select(row => row[0]);
        Assert.Equal(["became_mentor", "became_mentee", "mentor_withdrawn", "mentee_withdrawn"], reasons);
    }

    [Theory]
    [InlineData("admin")]
    [InlineData("pm")]
    public async Task Who_looks_after_people_is_not_demoted_by_it(string role)
    {
        var person = await app.WithRole(await app.Root(), role);
        await app.Send(person, "PUT", "/api/mentors/me", new { });
        Assert.Equal([role, "mentor"], await Roles(person));
        await app.Send(person, "DELETE", "/api/mentors/me", null, 204);
        Assert.Equal([role], await Roles(person));
    }

    [Fact]
    public async Task Many_who_become_both_at_once_are_both()
    {
        var ada = await app.SignedUp();
        var answers = await Task.WhenAll(Enumerable.Range(0, 10).Select(i => i % 2 == 0
            ? app.Send(ada, "PUT", "/api/mentors/me", new { biography = "Same" }, status: null)
            : app.Send(ada, "PUT", "/api/mentees/me", new { goals = "Same" }, status: null)));
        Assert.All(answers, answer => Assert.True(answer.Status is 200 or 409, answer.Body));
        Assert.Equal(["mentee", "mentor"], (await Roles(ada)).Order());
    }

    [Fact]
    public async Task Mentors_are_found_by_what_they_know_and_speak_page_by_page()
    {
        var tag = $"t{Guid.NewGuid():N}"[..12];
        var (beginner, expert) = (await app.Mentor(expertise: Knows(tag, "beginner")), await app.Mentor(expertise: [Knows(tag.ToUpperInvariant(), "expert"), Knows("Rust")]));
        Assert.Equal(new[] { beginner.Id, expert.Id }.Order(StringComparer.Ordinal), await Found(beginner, $"expertise={tag}"));
        Assert.Equal([expert.Id], await Found(beginner, $"expertise={tag}:advanced"));
        Assert.Equal([expert.Id], await Found(beginner, $"expertise={tag}&expertise=rust"));
        Assert.Equal(2, (await Found(beginner, $"expertise={tag}&language=DE")).Count);
        Assert.Empty(await Found(beginner, $"expertise={tag}&language=es"));

        var first = (await app.Read(beginner, $"/api/mentors?expertise={tag}&limit=1")).Json();
        var second = (await app.Read(beginner, $"/api/mentors?expertise={tag}&limit=1&after={first.Text("next")}")).Json();
        Assert.Equal(1, second.GetProperty("mentors").GetArrayLength());
        Assert.NotEqual(first.GetProperty("mentors")[0].Text("userId"), second.GetProperty("mentors")[0].Text("userId"));
        Assert.Equal(JsonValueKind.Null, second.GetProperty("next").ValueKind);

        // Whoever is not active, or has lost the role, is not among them at once.
        var root = await app.Root();
        await app.Send(root, "POST", "/api/auth/admin/set-status", new { userId = expert.Id, status = "inactive" });
        Assert.Equal([beginner.Id], await Found(beginner, $"expertise={tag}"));
        await app.Send(root, "POST", "/api/auth/admin/set-role", new { userId = beginner.Id, role = "user" });
        Assert.Empty(await Found(beginner, $"expertise={tag}"));
        await app.Read(beginner, $"/api/mentors/{beginner.Id}", 404);
    }

    [Fact]
    public async Task Mentors_are_found_by_free_time()
    {
        var tag = $"t{Guid.NewGuid():N}"[..12];
        var (free, away) = (await app.Mentor(expertise: Knows(tag)), await app.Mentor(expertise: Knows(tag)));
        var day = app.InDays(5, 0);
        await app.Send(away, "PUT", "/api/mentors/me/availability", new
        {
            timeZone = "Etc/UTC",
            rules = Enum.GetNames<DayOfWeek>().Select(name => new { day = name, from = "00:00", to = "24:00" }),
            exceptions = new[] { new { from = People.Iso(day)[..10], times = Array.Empty<object>() } },
        });
        var query = $"expertise={tag}&freeFrom={People.Iso(day)}&freeTo={People.Iso(day.AddHours(4))}";
        Assert.Equal([free.Id], await Found(free, query));
        var card = (await app.Read(free, $"/api/mentors?{query}")).Json().GetProperty("mentors")[0];
        Assert.Equal(day, card.GetProperty("nextFreeSlot").GetDateTimeOffset());
        Assert.Equal(2, (await Found(free, $"expertise={tag}&freeFrom={People.Iso(day)}&freeTo={People.Iso(day.AddHours(30))}")).Count);
    }

    [Theory]
    [InlineData("expertise=c%23:wizard", "expertise[0]")]
    [InlineData("language=x", "language")]
    [InlineData("freeFrom=2027-01-01T00:00:00Z", "freeTo")]
    [InlineData("freeFrom=2027-01-01T00:00:00Z&freeTo=2027-05-01T00:00:00Z", "freeTo")]
    [InlineData("freeFrom=2027-01-01T00:00:00&freeTo=2027-01-02T00:00:00Z", "freeFrom")]
    public async Task A_wrong_search_is_named(string query, string field)
    {
        var result = (await app.Read(await app.SignedUp(), $"/api/mentors?{query}", 400)).Json();
        Assert.Equal(field, result.GetProperty("details")[0].Text("field"));
    }

    [Fact]
    public async Task What_is_wrong_with_a_mentor_is_named()
    {
        var ada = await app.SignedUp();
        var result = (await app.Send(ada, "PUT", "/api/mentors/me", new { expertise = new[] { Knows("C#"), Knows("c#"), Knows("x", "wizard") }, capacity = 0, languages = Spanish }, 400)).Json();
        Assert.Equal(["expertise", "expertise[2]", "capacity"], result.GetProperty("details").EnumerateArray().Select(detail => detail.Text("field")));
    }

    [Fact]
    public async Task What_is_wrong_with_times_is_named()
    {
        var mentor = await app.Mentor();
        var result = (await app.Send(mentor, "PUT", "/api/mentors/me/availability", new
        {
            timeZone = "Mars/Base",
            slotMinutes = 31,
            rules = new[] { new { day = "monday", from = "09:00", to = "08:00" }, new { day = "noday", from = "9:00", to = "10:00" } },
            exceptions = new[] { new { from = "2027-01-05", to = "2027-01-01" } },
        }, 400)).Json();
        Assert.Equal(
            ["timeZone", "slotMinutes", "rules[0]", "rules[1]", "rules[1]", "exceptions[0]"],
            result.GetProperty("details").EnumerateArray().Select(detail => detail.Text("field")));
        Assert.Equal("not_a_mentor", (await app.Send(await app.SignedUp(), "PUT", "/api/mentors/me/availability", People.AllDay("Etc/UTC", 30), 409)).Code());
    }

    [Fact]
    public async Task Slots_are_shown_on_the_viewers_clock_and_in_a_bounded_range()
    {
        var (mentor, ada) = (await app.Mentor(slotMinutes: 60), await app.SignedUp());
        var day = app.InDays(3, 0);
        var path = $"/api/mentors/{mentor.Id}/slots?from={People.Iso(day)}&to={People.Iso(day.AddHours(3))}";
        var slots = (await app.Read(ada, $"{path}&timeZone=Asia/Kolkata")).Json();
        Assert.Equal(
            [0, 1, 2], slots.GetProperty("slots").EnumerateArray().Select(slot => (int)(slot.GetProperty("startsAt").GetDateTimeOffset() - day).TotalHours));
        Assert.EndsWith("T05:30:00+05:30", slots.GetProperty("slots")[0].Text("local"), StringComparison.Ordinal);
        await app.Send(ada, "PUT", "/api/profiles/me", new { timeZone = "America/New_York" });
        Assert.Equal("America/New_York", (await app.Read(ada, path)).Json().Text("timeZone"));
        await app.Read(ada, $"{path}&timeZone=Nowhere", 400);
        await app.Read(ada, $"/api/mentors/{mentor.Id}/slots?from={People.Iso(day)}&to={People.Iso(day.AddDays(63))}", 400);
        await app.Read(ada, $"/api/mentors/{ada.Id}/slots?from={People.Iso(day)}&to={People.Iso(day.AddDays(1))}", 404);
    }

    private async Task<IReadOnlyList<string>> Found(Person person, string query) =>
    [
        .. (await app.Read(person, $"/api/mentors?{query}")).Json().GetProperty("mentors").EnumerateArray().Select(mentor => mentor.Text("userId")),
    ];

    private async Task<IEnumerable<string>> Roles(Person person) =>
        (await app.Read(person, "/api/profiles/me")).Json().GetProperty("roles").EnumerateArray().Select(role => role.GetString()!);
}
