using MediatR;
using Microsoft.Extensions.DependencyInjection;
using Modular.Audit.Contracts;

namespace Modular.Profiles.Tests;

public sealed class DeletedUserOverHttp(PeopleApp app) : IClassFixture<PeopleApp>
{
    [Fact]
    public async Task Nothing_of_a_deleted_user_is_left_and_their_office_sessions_are_off()
    {
        var (mentor, mentee) = (await app.Mentor(expertise: new { tag = "Secret craft", level = "expert" }), await app.Mentee());
        await app.Send(mentor, "PUT", "/api/profiles/me", new { displayName = "Grace the unforgettable", visibility = "public" });
        var cookies = mentor.Browser.CookieHeader;
        await app.Scenario(_ =>
        {
            _.WithRequestHeader("Cookie", cookies);
            _.Put.Bytes(Pictures.Png(3, 3), "image/png").ToUrl("/api/profiles/me/image");
        });
        var feed = (await app.Send(mentor, "POST", "/api/calendar-feed", null, 201)).Json().Text("url");
        var at = app.InDays(4);
        var (asked, agreed) = (await Ask(mentee, mentor, at), await Ask(mentee, mentor, at.AddHours(1)));
        await app.Send(mentor, "POST", $"/api/office-sessions/{agreed}/confirm");

        await app.Send(mentor, "POST", "/api/auth/delete-user", new { password = People.Password });
        await app.Settled();
        Assert.Empty((await app.Sql("select last_error from messaging.incoming_envelopes where last_error is not null union all select exception_message from messaging.dead_letters")).Select(row => row[0]));
        await app.Read(mentee, $"/api/profiles/{mentor.Id}", 404);
        await app.Read(null, $"/api/profiles/{mentor.Id}/image", 404);
        await app.Read(mentee, $"/api/mentors/{mentor.Id}", 404);
        await app.Read(null, new Uri(feed).AbsolutePath, 404);
        foreach (var table in (string[])["mt_doc_profile where id", "images where user_id", "office_bookings where holder", "mt_doc_office_session where mentor_id"])
            Assert.Equal(0, await app.Count($"select count(*) from profiles.{table} = $1", mentor.Id));
        Assert.Equal(0, await app.Count("select count(*) from profiles.office_bookings where holder = $1", mentee.Id));
        Assert.Equal(0, await app.Count("select count(*) from sessions.last_sign_ins where user_id = $1", mentor.Id));
        foreach (var id in (string[])[asked, agreed])
        {
            var left = (await app.Read(mentee, $"/api/office-sessions/{id}")).Json();
            Assert.Equal(("cancelled", System.Text.Json.JsonValueKind.Null), (left.Text("status"), left.GetProperty("mentor").ValueKind));
        }

        var told = (await app.Read(null, $"/dev/mailbox?to={mentee.Email}")).Json().EnumerateArray().Count(mail => mail.Text("subject").Contains("is cancelled", StringComparison.Ordinal));
        Assert.Equal(2, told);

        // The other side goes, too: then nobody is left who was there.
        await app.Send(mentee, "POST", "/api/auth/delete-user", new { password = People.Password });
        await app.Settled();
        Assert.Equal(0, await app.Count("select count(*) from profiles.mt_doc_office_session where id = any($1)", (object)new[] { asked, agreed }));
        Assert.Equal(0, await app.Count("select count(*) from messaging.dead_letters"));
    }

    [Fact]
    public async Task What_was_held_stays_with_the_other_side_without_the_words_of_who_is_gone()
    {
        var (mentor, mentee) = (await app.Mentor(), await app.Mentee());
        var at = app.InDays(1);
        var id = await Ask(mentee, mentor, at);
        await app.Send(mentor, "POST", $"/api/office-sessions/{id}/confirm");
        app.Clock.Advance(at - app.Clock.GetUtcNow() + TimeSpan.FromHours(1));
        (mentor, mentee) = (await app.SignedIn(mentor.Email), await app.SignedIn(mentee.Email));
        await app.Send(mentor, "POST", $"/api/office-sessions/{id}/complete");
        await app.Send(mentee, "POST", $"/api/office-sessions/{id}/feedback", new { rating = 5, comment = "Mine" });
        await app.Send(mentor, "POST", $"/api/office-sessions/{id}/feedback", new { rating = 4, comment = "Theirs" });
        await app.Send(mentee, "POST", "/api/auth/delete-user", new { password = People.Password });
        await app.Settled();
        var left = (await app.Read(mentor, $"/api/office-sessions/{id}")).Json();
        Assert.Equal("completed", left.Text("status"));
        Assert.DoesNotContain("Mine", left.GetRawText(), StringComparison.Ordinal);
        Assert.DoesNotContain("Pointers", left.GetRawText(), StringComparison.Ordinal);
        Assert.Equal("Theirs", left.GetProperty("mentorFeedback").Text("comment"));
        await app.Send(mentor, "POST", "/api/auth/delete-user", new { password = People.Password });
        await app.Settled();
        Assert.Equal(0, await app.Count("select count(*) from profiles.mt_doc_office_session where id = $1", id));
    }

    [Fact]
    public async Task The_words_of_who_looked_after_them_go_with_who_wrote_them_and_a_rebuild_finds_the_same()
    {
        var (mentor, mentee, pm) = (await app.Mentor(), await app.Mentee(), await app.WithRole(await app.Root(), "pm"));
        var id = await Ask(mentee, mentor, app.InDays(5));
        await app.Send(pm, "POST", $"/api/office-sessions/{id}/cancel", new { note = "By the office" });
        await app.Send(pm, "POST", "/api/auth/delete-user", new { password = People.Password });
        var gone = await app.Mentee();
        await Ask(gone, mentor, app.InDays(5));
        await app.Send(gone, "POST", "/api/auth/delete-user", new { password = People.Password });
        await app.Settled();
        var left = (await app.Read(mentee, $"/api/office-sessions/{id}")).Json();
        Assert.Equal(("cancelled", mentor.Id), (left.Text("status"), left.GetProperty("mentor").Text("userId")));
        Assert.DoesNotContain("By the office", left.GetRawText(), StringComparison.Ordinal);
        await using var scope = app.Services.CreateAsyncScope();
        foreach (var name in (string[])["profiles.mt_doc_profile", "profiles.mt_doc_office_session"])
        {
            var rebuilt = await scope.ServiceProvider.GetRequiredService<IMediator>().Send(new RebuildReadModel(name, Compare: true));
            Assert.Equal((0, true), (rebuilt!.Different, rebuilt.Rows > 0));
        }
    }

    [Fact]
    public async Task Nobody_is_booked_who_is_just_being_deleted()
    {
        var mentor = await app.Mentor();
        var mentees = await Task.WhenAll(Enumerable.Range(0, 10).Select(_ => app.Mentee()));
        var at = app.InDays(6);
        var asking = Enumerable.Range(0, 30).Select(i =>
            app.Send(mentees[i % 10], "POST", "/api/office-sessions", new { mentorId = mentor.Id, startsAt = People.Iso(at.AddMinutes(30 * i)) }, status: null));
        var deleting = app.Send(mentor, "POST", "/api/auth/delete-user", new { password = People.Password });
        var answers = await Task.WhenAll(asking.Append(deleting));
        Assert.All(answers, answer => Assert.True(answer.Status < 500, answer.Body));
        await app.Settled();
        Assert.Equal(0, await app.Count("select count(*) from profiles.office_bookings where holder = $1", mentor.Id));
        Assert.Equal(0, await app.Count("select count(*) from profiles.mt_doc_office_session where mentor_id = $1", mentor.Id));
        Assert.Equal(0, await app.Count("select count(*) from profiles.mt_doc_office_session where mentee_id = any($1) and status in ('Requested', 'Confirmed')", (object)mentees.Select(mentee => mentee.Id).ToArray()));
    }

    private async Task<string> Ask(Person mentee, Person mentor, DateTimeOffset at) =>
        (await app.Send(mentee, "POST", "/api/office-sessions", new { mentorId = mentor.Id, startsAt = People.Iso(at), topic = "Pointers" }, 201)).Json().Text("id");
}
