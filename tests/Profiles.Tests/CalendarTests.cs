using System.Text;

namespace Modular.Profiles.Tests;

public sealed class IcalendarTests
{
    [Theory]
    [InlineData("a,b;c\\d", @"a\,b\;c\\d")]
    [InlineData("one\r\ntwo\nthree\rfour", @"one\ntwo\nthree\nfour")]
    [InlineData("bell\aoff\ttab", "belloff\ttab")]
    public void Text_is_escaped(string text, string escaped) => Assert.Equal(escaped, Icalendar.Escaped(text));

    [Fact]
    public void No_line_has_more_than_75_octets_and_no_character_is_divided()
    {
        var content = $"SUMMARY:{string.Concat(Enumerable.Repeat("é€😀a", 60))}";
        var text = new StringBuilder();
        Icalendar.Line(text, content);
        var lines = text.ToString().Split("\r\n", StringSplitOptions.RemoveEmptyEntries);
        Assert.All(lines, line => Assert.InRange(Encoding.UTF8.GetByteCount(line), 1, 75));
        Assert.All(lines.Skip(1), line => Assert.StartsWith(" ", line, StringComparison.Ordinal));
        Assert.Equal(content, lines[0] + string.Concat(lines.Skip(1).Select(line => line[1..])));
    }
}

public sealed class CalendarOverHttp(PeopleApp app) : IClassFixture<PeopleApp>
{
    [Fact]
    public async Task An_office_session_is_a_calendar_that_counts_its_changes()
    {
        var (mentor, mentee) = (await app.Mentor(), await app.Mentee());
        var at = app.InDays(4);
        var id = await Ask(mentee, mentor, at, "One; two, three\nfour");
        var asked = await app.Read(mentee, $"/api/office-sessions/{id}.ics");
        Assert.Equal("text/calendar; charset=utf-8", asked.Header("Content-Type"));
        foreach (var line in (string[])[$"UID:{id}@127.0.0.1", "SEQUENCE:0", "STATUS:TENTATIVE", $"DTSTART:{at:yyyyMMdd'T'HHmmss'Z'}", @"DESCRIPTION:One\; two\, three\nfour", "SUMMARY:Office session with Grace"])
            Assert.Contains($"\r\n{line}\r\n", asked.Body, StringComparison.Ordinal);
        await app.Send(mentor, "POST", $"/api/office-sessions/{id}/confirm");
        Assert.Contains("SEQUENCE:1\r\nSTATUS:CONFIRMED\r\nSUMMARY:Office session with Max\r\n", (await app.Read(mentor, $"/api/office-sessions/{id}.ics")).Body, StringComparison.Ordinal);
        await app.Send(mentor, "POST", $"/api/office-sessions/{id}/cancel");
        Assert.Contains("SEQUENCE:2\r\nSTATUS:CANCELLED\r\n", (await app.Read(mentee, $"/api/office-sessions/{id}.ics")).Body, StringComparison.Ordinal);
        await app.Read(await app.SignedUp(), $"/api/office-sessions/{id}.ics", 404);
        await app.Read(null, $"/api/office-sessions/{id}.ics", 401);
    }

    [Fact]
    public async Task Once_the_owner_of_an_address_shows_that_it_is_theirs_the_calendar_of_whoever_came_before_is_closed()
    {
        var intruder = await app.Mentee();
        var feed = await Open(intruder);
        await app.Read(null, feed);
        // The owner of the mailbox knows no password, and asks for a new one.
        await app.Send(null, "POST", "/api/auth/request-password-reset", new { email = intruder.Email });
        await app.Settled();
        var mail = (await app.Read(null, $"/dev/mailbox?to={Uri.EscapeDataString(intruder.Email)}")).Json().EnumerateArray().Last();
        var link = new Uri(mail.Text("text").Split((char[]?)null).First(word => word.StartsWith("http", StringComparison.Ordinal)));
        await app.Send(null, "POST", "/api/auth/reset-password", new { newPassword = "another-horse-2", token = link.Segments[^1] });
        await app.Settled();
        Assert.Equal("calendar_not_found", (await app.Read(null, feed, 404)).Code());
        Assert.Equal(1, await app.Count("select count(*) from profiles.mt_events where type = 'calendar_feed.closed.1' and stream_id = $1", intruder.Id));
    }

    [Fact]
    public async Task The_address_of_a_calendar_is_secret_and_the_old_one_works_no_more()
    {
        var (mentor, mentee) = (await app.Mentor(), await app.Mentee());
        await Ask(mentee, mentor, app.InDays(4), "x");
        var first = await Open(mentee);
        Assert.Contains("BEGIN:VEVENT", (await app.Read(null, first)).Body, StringComparison.Ordinal);
        var second = await Open(mentee);
        Assert.Equal("calendar_not_found", (await app.Read(null, first, 404)).Code());
        await app.Read(null, second);
        var token = second.Split('/')[^1][..^4];
        Assert.Equal(43, token.Length);
        Assert.Equal(0, await app.Count("select count(*) from profiles.mt_doc_profile where data::text like '%' || $1 || '%'", token));
        Assert.Equal(0, await app.Count("select count(*) from profiles.mt_events where data::text like '%' || $1 || '%'", token));

        var root = await app.Root();
        await app.Send(root, "POST", "/api/auth/admin/set-status", new { userId = mentee.Id, status = "inactive" });
        await app.Read(null, second, 404);
        await app.Send(root, "POST", "/api/auth/admin/set-status", new { userId = mentee.Id, status = "active" });
        await app.Read(null, second);
        mentee = await app.SignedIn(mentee.Email);
        await app.Send(mentee, "DELETE", "/api/calendar-feed", null, 204);
        await app.Send(mentee, "DELETE", "/api/calendar-feed", null, 204);
        await app.Read(null, second, 404);
    }

    private async Task<string> Open(Person person) => new Uri((await app.Send(person, "POST", "/api/calendar-feed", null, 201)).Json().Text("url")).AbsolutePath;

    private async Task<string> Ask(Person mentee, Person mentor, DateTimeOffset at, string topic) =>
        (await app.Send(mentee, "POST", "/api/office-sessions", new { mentorId = mentor.Id, startsAt = People.Iso(at), topic }, 201)).Json().Text("id");
}
