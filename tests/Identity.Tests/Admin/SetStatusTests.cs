using System.Text.Json;
using MediatR;
using Microsoft.Extensions.DependencyInjection;
using Modular.Store;

namespace Modular.Identity.Tests;

public sealed class SetStatusOverHttp(AdminApp app) : IClassFixture<AdminApp>
{
    [Fact]
    public async Task Each_status_is_an_event_that_says_why_and_the_same_again_is_none()
    {
        var (root, ada) = (await app.Root(), await app.SignedUp());
        foreach (var status in (string[])["inactive", "inactive", "suspended", "active", "active"])
            Assert.Equal(status, (await app.Act(root, "set-status", new { userId = ada.Id, status, reason = "away" })).Json().Text("status"));
        var events = await app.Sql("select type, case when data -> 'reason' ? 'enc' then 'sealed' else data ->> 'reason' end, data ->> 'inactive' from identity.mt_events where stream_id = $1 and version > 1 order by version", ada.Id);
        Assert.Equal(
            ["user.banned.1 sealed true", "user.banned.1 sealed ", "user.unbanned.1 by_administrator "],
            events.Select(row => string.Join(' ', row)));
    }

    [Fact]
    public async Task Of_those_who_sign_in_while_they_are_made_inactive_nobody_stays_signed_in()
    {
        var (root, ada) = (await app.Root(), await app.SignedUp());
        var browsers = Enumerable.Range(0, 30).Select(_ => app.Browser()).ToList();
        var signingIn = browsers.Select(browser => app.Scenario(_ =>
        {
            _.As(browser).Post.Json(new { email = ada.Email, password = People.Password }).ToUrl("/api/auth/sign-in/email");
            _.IgnoreStatusCode();
        }));
        var answers = await Task.WhenAll(signingIn.Append(app.Race(root, "/api/auth/admin/set-status", new { userId = ada.Id, status = "inactive" })));
        Assert.Equal(200, answers[^1].Status);
        Assert.All(answers[..^1], answer => Assert.Contains(answer.Status, (int[])[200, 403]));
        foreach (var browser in browsers.Append(ada.Browser))
            Assert.Null(await app.Session(browser));
    }

    [Fact]
    public async Task A_wrong_status_and_nobodys_id_are_refused()
    {
        var (root, ada) = (await app.Root(), await app.SignedUp());
        await app.Act(root, "set-status", new { userId = ada.Id, status = "asleep" }, 400);
        await app.Act(root, "set-status", new { userId = ada.Id }, 400);
        Assert.Equal("USER_NOT_FOUND", (await app.Act(root, "set-status", new { userId = "nobody", status = "inactive" }, 404)).Code());
    }

    [Fact]
    public async Task A_user_stored_before_there_was_a_status_reads_as_before()
    {
        var user = JsonSerializer.Deserialize<User>("""{"id":"a","name":"Ada","email":"a@example.com","emailVerified":false,"createdAt":"2026-01-01T00:00:00Z","updatedAt":"2026-01-01T00:00:00Z","role":"user","banned":true}""", StoreJson.Options)!;
        Assert.Equal("suspended", user.StatusAt(DateTimeOffset.UnixEpoch));
        Assert.DoesNotContain("inactive", JsonSerializer.Serialize(user, StoreJson.Options), StringComparison.Ordinal);
        await Task.CompletedTask;
    }

    [Theory]
    [InlineData("user", "mentor", true, "mentor")]
    [InlineData("admin", "mentor", true, "admin,mentor")]
    [InlineData("mentor,mentee", "mentor", false, "mentee")]
    [InlineData("mentor", "mentor", false, "user")]
    [InlineData("mentor", "mentor", true, null)]
    [InlineData("user", "mentee", false, null)]
    public void A_role_comes_and_goes_beside_the_others(string roles, string role, bool holds, string? becomes)
    {
        var user = new User("a", "Ada", "a@example.com", false, null, DateTimeOffset.UnixEpoch, DateTimeOffset.UnixEpoch, roles);
        Assert.Equal(becomes, HoldRole.Decide(user, new Contracts.HoldRole("a", role, holds, "x")));
    }

    [Fact]
    public async Task No_other_module_makes_an_administrator()
    {
        var ada = await app.SignedUp();
        await using var scope = app.Services.CreateAsyncScope();
        var mediator = scope.ServiceProvider.GetRequiredService<IMediator>();
        await Assert.ThrowsAsync<ArgumentException>(() => mediator.Send(new Contracts.HoldRole(ada.Id, "admin", true, "x")));
        Assert.Equal("user", (await mediator.Send(new Contracts.DescribePeople([ada.Id]))).Single().Role);
    }
}
