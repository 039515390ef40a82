using System.Text.Json;
using Modular.Testing;

namespace Modular.Profiles.Tests;

public sealed class OfficeSessionOverHttp(PeopleApp app) : IClassFixture<PeopleApp>
{
    [Fact]
    public async Task It_is_asked_for_confirmed_held_and_spoken_about()
    {
        var (mentor, mentee) = (await app.Mentor(), await app.Mentee());
        var at = app.InDays(10);
        var asked = (await Ask(mentee, mentor, at)).Json();
        Assert.Equal(("requested", at, at.AddMinutes(30)), (asked.Text("status"), asked.GetProperty("startsAt").GetDateTimeOffset(), asked.GetProperty("endsAt").GetDateTimeOffset()));
        Assert.Equal((mentor.Id, "Grace", "Max"), (asked.GetProperty("mentor").Text("userId"), asked.GetProperty("mentor").Text("name"), asked.GetProperty("mentee").Text("name")));
        var id = asked.Text("id");

        Assert.Equal("not_your_part", (await Act(mentee, id, "confirm", 403)).Code());
        Assert.Equal("confirmed", (await Act(mentor, id, "confirm")).Json().Text("status"));
        Assert.Equal(1, (await Act(mentor, id, "confirm")).Json().GetProperty("sequence").GetInt64());
        Assert.Equal(id, (await app.Read(mentee, "/api/profiles/me")).Json().GetProperty("nextOfficeSessions")[0].Text("id"));
        Assert.Equal("not_begun", (await Act(mentor, id, "complete", 409)).Code());
        Assert.Equal("not_begun", (await Act(mentee, id, "missed", 409)).Code());
        Assert.Equal("wrong_status", (await Act(mentee, id, "feedback", 409, new { rating = 5 })).Code());

        app.Clock.Advance(at - app.Clock.GetUtcNow() + TimeSpan.FromMinutes(40));
        (mentor, mentee) = (await app.SignedIn(mentor.Email), await app.SignedIn(mentee.Email));
        Assert.Equal("not_your_part", (await Act(mentee, id, "complete", 403)).Code());
        Assert.Equal("completed", (await Act(mentor, id, "complete")).Json().Text("status"));
        Assert.Equal("wrong_status", (await Act(mentor, id, "cancel", 409)).Code());
        await Act(mentee, id, "feedback", 200, new { rating = 5, comment = "Clear" });
        Assert.Equal("feedback_given", (await Act(mentee, id, "feedback", 409, new { rating = 1 })).Code());
        var spoken = (await Act(mentor, id, "feedback", 200, new { rating = 4 })).Json();
        Assert.Equal((5, "Clear", 4), (spoken.GetProperty("menteeFeedback").GetProperty("rating").GetInt32(), spoken.GetProperty("menteeFeedback").Text("comment"), spoken.GetProperty("mentorFeedback").GetProperty("rating").GetInt32()));
        Assert.Equal(
            [
                "office_session.requested.1", "office_session.confirmed.1", "office_session.completed.1", "office_session.feedback_given.1", "office_session.feedback_given.1",
            ],
            (await app.Sql("select type from profiles.mt_events where stream_id = $1 order by version", id)).Select(row => row[0]));
        // Their words are in the log as ciphertext only.
        var words = await app.Count("select count(*) from profiles.mt_events where stream_id = $1 and (convert_from(canonical, 'UTF8') like '%Clear%' or data::text like '%Clear%')", id);
        Assert.Equal(0, words);
    }

    [Fact]
    public async Task One_that_was_missed_says_by_whom_and_nobody_says_it_of_themselves()
    {
        var (mentor, mentee, root) = (await app.Mentor(), await app.Mentee(), await app.Root());
        var at = app.InDays(10);
        var (one, two) = ((await Ask(mentee, mentor, at)).Json().Text("id"), (await Ask(mentee, mentor, at.AddHours(1))).Json().Text("id"));
        await Act(mentor, one, "confirm");
        await Act(mentor, two, "confirm");
        app.Clock.Advance(at - app.Clock.GetUtcNow() + TimeSpan.FromHours(2));
        (mentor, mentee, root) = (await app.SignedIn(mentor.Email), await app.SignedIn(mentee.Email), await app.Root());
        Assert.Equal("not_your_part", (await Act(mentee, one, "missed", 403, new { by = "mentee" })).Code());
        Assert.Equal(mentee.Id, (await Act(mentor, one, "missed", 200, new { })).Json().Text("missedBy"));
        Assert.Equal("wrong_status", (await Act(mentee, one, "missed", 409, new { by = "mentor" })).Code());
        await Act(root, two, "missed", 400, new { });
        Assert.Equal(mentor.Id, (await Act(root, two, "missed", 200, new { by = "mentor" })).Json().Text("missedBy"));
    }

    [Fact]
    public async Task What_is_declined_or_cancelled_frees_the_slot()
    {
        var (mentor, mentee, other) = (await app.Mentor(), await app.Mentee(), await app.Mentee());
        var at = app.InDays(4);
        var first = (await Ask(mentee, mentor, at)).Json().Text("id");
        Assert.Equal("slot_taken", (await Ask(other, mentor, at, 409)).Code());
        Assert.False(await IsFree(other, mentor, at));
        Assert.Equal("Not then", (await Act(mentor, first, "decline", 200, new { note = "Not then" })).Json().Text("note"));
        Assert.True(await IsFree(other, mentor, at));
        var second = (await Ask(other, mentor, at)).Json().Text("id");
        Assert.Equal("cancelled", (await Act(other, second, "cancel", 200, new { })).Json().Text("status"));
        Assert.Equal("wrong_status", (await Act(mentor, second, "confirm", 409)).Code());
        await Ask(mentee, mentor, at);
        Assert.Equal(2, await app.Count("select count(*) from profiles.office_bookings where holder = any($1)", (object)new[] { mentor.Id, mentee.Id, other.Id }));
    }

    [Fact]
    public async Task What_is_agreed_is_cancelled_in_good_time_or_by_those_who_look_after_people()
    {
        var (mentor, mentee) = (await app.Mentor(), await app.Mentee());
        var at = app.InDays(2);
        var (id, asked) = ((await Ask(mentee, mentor, at)).Json().Text("id"), (await Ask(mentee, mentor, at.AddHours(1))).Json().Text("id"));
        await Act(mentor, id, "confirm");
        app.Clock.Advance(at - app.Clock.GetUtcNow() - TimeSpan.FromHours(11));
        (mentor, mentee) = (await app.SignedIn(mentor.Email), await app.SignedIn(mentee.Email));
        foreach (var side in (Person[])[mentor, mentee])
        {
            var late = (await Act(side, id, "cancel", 409)).Json();
            Assert.Equal(("too_late_to_cancel", at.AddHours(-12)), (late.Text("code"), late.GetProperty("details").GetProperty("until").GetDateTimeOffset()));
        }

        // What is only asked for is withdrawn at any time.
        await Act(mentee, asked, "cancel");
        var pm = await app.WithRole(await app.Root(), "pm");
        Assert.Equal(pm.Id, (await Act(pm, id, "cancel")).Json().Text("endedBy"));
    }

    [Fact]
    public async Task Only_a_free_slot_of_a_mentor_is_given_and_only_to_a_mentee()
    {
        var (mentor, mentee, ada) = (await app.Mentor(capacity: 2), await app.Mentee(), await app.SignedUp());
        var at = app.InDays(6);
        Assert.Equal("not_a_mentee", (await Ask(ada, mentor, at, 403)).Code());
        Assert.Equal("mentor_not_found", (await Ask(mentee, ada, at, 404)).Code());
        Assert.Equal("slot_taken", (await Ask(mentee, mentor, at.AddMinutes(7), 409)).Code());
        Assert.Equal("too_soon", (await Ask(mentee, mentor, app.Clock.GetUtcNow().AddMinutes(5), 409)).Code());
        await app.Send(mentor, "PUT", "/api/mentees/me", new { });
        Assert.Equal("with_yourself", (await Ask(mentor, mentor, at, 409)).Code());
        var invalid = (await app.Send(mentee, "POST", "/api/office-sessions", new { startsAt = "tomorrow" }, 400)).Json();
        Assert.Equal(["mentorId", "startsAt"], invalid.GetProperty("details").EnumerateArray().Select(detail => detail.Text("field")));
        await Ask(mentee, mentor, at);
        await Ask(mentee, mentor, at.AddHours(1));
        Assert.Equal("mentor_full", (await Ask(mentee, mentor, at.AddHours(2), 409)).Code());
        Assert.Equal(
            ["not_a_mentee", "mentor_not_found", "slot_taken", "too_soon", "mentor_full"],
            (await app.Sql("select data ->> 'reason' from profiles.mt_events where type = 'office_session.refused.1' and data ->> 'userId' = any($1) order by seq_id", (object)new[] { ada.Id, mentee.Id })).Select(row => row[0]));

        await app.Send(mentor, "PUT", "/api/mentors/me", new { capacity = 10, accepts = false });
        Assert.Equal("slot_taken", (await Ask(mentee, mentor, at.AddHours(2), 409)).Code());
    }

    [Fact]
    public async Task Of_fifty_who_ask_for_one_slot_at_once_on_two_nodes_one_gets_it()
    {
        await using var node = await app.AnotherNode();
        var mentor = await app.Mentor();
        var mentees = await Task.WhenAll(Enumerable.Range(0, 10).Select(_ => app.Mentee()));
        var at = app.InDays(7);
        var answers = await Task.WhenAll(Enumerable.Range(0, 50).Select(i => Asked(i % 2 == 0 ? app : node, mentees[i % 10], mentor, at)));
        await node.DisposeAsync();
        Assert.Equal(1, answers.Count(answer => answer.Status == 201));
        Assert.All(answers.Where(answer => answer.Status != 201), answer => Assert.True(answer is { Status: 409 } && answer.Code() is "slot_taken" or "already_booked", answer.Body));
        Assert.Equal(2, await app.Count("select count(*) from profiles.office_bookings where starts_at = $1 and (holder = $2 or not as_mentor)", at.UtcDateTime, mentor.Id));
        Assert.Equal(1, await app.Count("select count(*) from profiles.mt_doc_office_session where mentor_id = $1", mentor.Id));
    }

    [Fact]
    public async Task Of_fifty_overlapping_ones_that_one_mentee_asks_for_at_once_one_is_given()
    {
        var mentee = await app.Mentee();
        var mentors = await Task.WhenAll(Enumerable.Range(0, 5).Select(async i =>
        {
            var mentor = await app.Mentor();
            // Slots of an hour that begin a quarter of an hour apart: each overlaps the next, and none is the same.
            await app.Send(mentor, "PUT", "/api/mentors/me/availability", People.AllDay("Etc/UTC", 60, $"00:{i * 10:00}"));
            return mentor;
        }));
        var at = app.InDays(8);
        var answers = await Task.WhenAll(Enumerable.Range(0, 50).Select(i => Asked(app, mentee, mentors[i % 5], at.AddMinutes(i % 5 * 10))));
        Assert.Equal(1, answers.Count(answer => answer.Status == 201));
        Assert.All(answers.Where(answer => answer.Status != 201), answer => Assert.Equal(409, answer.Status));
        Assert.Equal(1, await app.Count("select count(*) from profiles.office_bookings where holder = $1", mentee.Id));
    }

    [Fact]
    public async Task Of_a_mentor_who_is_somebodys_mentee_the_time_is_one()
    {
        var (both, mentor, mentee) = (await app.Mentor(), await app.Mentor(), await app.Mentee());
        await app.Send(both, "PUT", "/api/mentees/me", new { });
        var at = app.InDays(9);
        var answers = await Task.WhenAll(Enumerable.Range(0, 30).Select(i => i % 2 == 0 ? Asked(app, mentee, both, at) : Asked(app, both, mentor, at)));
        Assert.Equal(1, answers.Count(answer => answer.Status == 201));
        Assert.Equal(1, await app.Count("select count(*) from profiles.office_bookings where holder = $1", both.Id));
    }

    [Fact]
    public async Task A_mentor_is_never_asked_for_more_than_they_take()
    {
        var mentor = await app.Mentor(capacity: 3);
        var mentees = await Task.WhenAll(Enumerable.Range(0, 10).Select(_ => app.Mentee()));
        var at = app.InDays(7);
        var answers = await Task.WhenAll(Enumerable.Range(0, 30).Select(i => Asked(app, mentees[i % 10], mentor, at.AddMinutes(30 * i))));
        Assert.Equal(3, answers.Count(answer => answer.Status == 201));
        Assert.Equal(3, await app.Count("select count(*) from profiles.office_bookings where holder = $1", mentor.Id));
    }

    [Fact]
    public async Task Nobody_asks_for_more_than_twenty_a_day_not_even_at_once()
    {
        var (mentee, mentors) = (await app.Mentee(), await Task.WhenAll(Enumerable.Range(0, 3).Select(_ => app.Mentor())));
        var at = app.InDays(7);
        var answers = await Task.WhenAll(Enumerable.Range(0, 30).Select(i => Asked(app, mentee, mentors[i % 3], at.AddMinutes(30 * i))));
        // Who loses too many races is told to try again: never more than twenty.
        Assert.InRange(answers.Count(answer => answer.Status == 201), 1, 20);
        for (var i = 30; i < 60 && (await Asked(app, mentee, mentors[0], at.AddMinutes(30 * i))).Status == 201; i++)
        {
        }

        Assert.Equal(20, await app.Count("select count(*) from profiles.mt_doc_office_session where mentee_id = $1", mentee.Id));
        Assert.Equal("asked_enough", (await Ask(mentee, mentors[0], at.AddDays(2), 429)).Code());
        app.Clock.Advance(TimeSpan.FromDays(1));
        await Ask(await app.SignedIn(mentee.Email), mentors[0], at.AddDays(2));
    }

    [Fact]
    public async Task The_database_itself_lets_nobody_be_at_two_at_once()
    {
        var holder = Guid.NewGuid().ToString("N");
        const string Insert = "insert into profiles.office_bookings values ($1, $2, false, '2030-01-01T10:00Z', '2030-01-01T11:00Z')";
        await app.Sql(Insert, Guid.NewGuid().ToString("N"), holder);
        await app.Sql(Insert, Guid.NewGuid().ToString("N"), $"{holder}x");
        await app.Sql(Insert.Replace("10:00Z", "09:00Z").Replace("11:00Z", "10:00Z"), Guid.NewGuid().ToString("N"), holder);
        var refused = await Assert.ThrowsAsync<Npgsql.PostgresException>(() =>
            app.Sql(Insert.Replace("10:00Z", "10:59Z").Replace("11:00Z", "12:00Z"), Guid.NewGuid().ToString("N"), holder));
        Assert.Equal(("23P01", "office_bookings_no_overlap"), (refused.SqlState, refused.ConstraintName));
    }

    [Fact]
    public async Task A_strangers_office_session_looks_unknown()
    {
        var (mentor, mentee, stranger) = (await app.Mentor(), await app.Mentee(), await app.Mentee());
        var id = (await Ask(mentee, mentor, app.InDays(3))).Json().Text("id");
        var foreign = await app.Read(stranger, $"/api/office-sessions/{id}", 404);
        Assert.Equal(foreign.Body, (await app.Read(stranger, $"/api/office-sessions/{Guid.NewGuid():N}", 404)).Body);
        foreach (var act in (string[])["confirm", "decline", "cancel", "complete", "missed", "feedback"])
            Assert.Equal("office_session_not_found", (await Act(stranger, id, act, 404, new { rating = 3 })).Code());
        Assert.Equal("requested", (await app.Read(mentee, $"/api/office-sessions/{id}")).Json().Text("status"));
    }

    [Fact]
    public async Task Ones_own_are_listed_by_time_and_status_page_by_page()
    {
        var (mentor, mentee) = (await app.Mentor(), await app.Mentee());
        var at = app.InDays(5);
        var ids = new List<string>();
        for (var i = 0; i < 3; i++)
            ids.Add((await Ask(mentee, mentor, at.AddHours(i))).Json().Text("id"));
        await Act(mentor, ids[1], "confirm");
        var first = (await app.Read(mentee, "/api/office-sessions?limit=2")).Json();
        var second = (await app.Read(mentee, $"/api/office-sessions?limit=2&after={first.Text("next")}")).Json();
        Assert.Equal(ids, Ids(first).Concat(Ids(second)));
        Assert.Equal([ids[1]], Ids((await app.Read(mentor, "/api/office-sessions?status=confirmed")).Json()));
        Assert.Equal([ids[2]], Ids((await app.Read(mentor, $"/api/office-sessions?from={People.Iso(at.AddHours(1.9))}")).Json()));
        var root = await app.Root();
        Assert.Equal(ids, Ids((await app.Read(root, $"/api/office-sessions?person={mentee.Id}")).Json()));
        await app.Read(mentee, $"/api/office-sessions?person={mentor.Id}", 403);
        Assert.Equal("status", (await app.Read(mentee, "/api/office-sessions?status=odd", 400)).Json().GetProperty("details")[0].Text("field"));
    }

    [Fact]
    public async Task Both_are_told_by_mail_and_reminded_unless_it_is_off()
    {
        var (mentor, mentee) = (await app.Mentor(), await app.Mentee());
        await app.Send(mentee, "PUT", "/api/profiles/me", new { timeZone = "Asia/Tokyo" });
        var at = app.InDays(3);
        var (held, off) = ((await Ask(mentee, mentor, at)).Json().Text("id"), (await Ask(mentee, mentor, at.AddHours(1))).Json().Text("id"));
        await app.Settled();
        Assert.Equal(2, await Mails(mentor, "Somebody asks for an office session"));
        await Act(mentor, held, "confirm");
        await Act(mentor, off, "confirm");
        await app.Settled();
        Assert.Equal((2, 0), (await Mails(mentee, "is confirmed"), await Mails(mentor, "is confirmed")));
        await Act(mentee, off, "cancel");
        await app.Settled();
        Assert.Equal((1, 0), (await Mails(mentor, "is cancelled"), await Mails(mentee, "is cancelled")));
        Assert.Equal(0, await Mails(mentee, "coming up"));

        app.Clock.Advance(at - app.Clock.GetUtcNow() - TimeSpan.FromHours(20));
        await app.Settled();
        Assert.Equal((1, 1), (await Mails(mentor, "coming up"), await Mails(mentee, "coming up")));
        var mail = (await app.Read(null, $"/dev/mailbox?to={mentee.Email}")).Json().EnumerateArray().Single(mail => mail.Text("subject").Contains("coming up", StringComparison.Ordinal));
        Assert.Contains($"{at.AddHours(9):yyyy-MM-dd HH:mm} (UTC+09:00) Asia/Tokyo", mail.Text("text"), StringComparison.Ordinal);
    }

    private async Task<int> Mails(Person person, string subject) =>
        (await app.Read(null, $"/dev/mailbox?to={person.Email}")).Json().EnumerateArray().Count(mail => mail.Text("subject").Contains(subject, StringComparison.Ordinal));

    private static IEnumerable<string> Ids(JsonElement page) => page.GetProperty("officeSessions").EnumerateArray().Select(session => session.Text("id"));

    private async Task<bool> IsFree(Person viewer, Person mentor, DateTimeOffset at) =>
        (await app.Read(viewer, $"/api/mentors/{mentor.Id}/slots?from={People.Iso(at)}&to={People.Iso(at.AddMinutes(30))}")).Json().GetProperty("slots").GetArrayLength() == 1;

    private Task<ScenarioResult> Ask(Person mentee, Person mentor, DateTimeOffset at, int status = 201) =>
        app.Send(mentee, "POST", "/api/office-sessions", new { mentorId = mentor.Id, startsAt = People.Iso(at), topic = "Pointers" }, status);

    private static Task<ScenarioResult> Asked(App node, Person mentee, Person mentor, DateTimeOffset at) =>
        node.Send(mentee, "POST", "/api/office-sessions", new { mentorId = mentor.Id, startsAt = People.Iso(at) }, status: null);

    private Task<ScenarioResult> Act(Person person, string id, string act, int status = 200, object? body = null) =>
        app.Send(person, "POST", $"/api/office-sessions/{id}/{act}", body ?? (act == "feedback" ? new { rating = 3 } : null), status);
}
