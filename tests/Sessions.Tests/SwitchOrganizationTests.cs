using System.Text.Json;

namespace Modular.Sessions.Tests;

public sealed class SwitchOrganizationTests(SessionsApp app) : IClassFixture<SessionsApp>
{
    [Fact]
    public void What_is_active_already_is_not_told_again()
    {
        var acme = Some.Session with { ActiveOrganizationId = "acme" };
        Assert.Equal(new OrganizationSwitched("5e55", "ada", "acme", null, Some.Noon), SwitchOrganization.Decide(Some.Session, "acme", null, Some.Noon));
        Assert.Null(SwitchOrganization.Decide(acme, "acme", null, Some.Noon));
        Assert.Equal(new OrganizationSwitched("5e55", "ada", null, null, Some.Noon), SwitchOrganization.Decide(acme, null, null, Some.Noon));
    }

    [Fact]
    public async Task The_session_shows_the_organization_at_once()
    {
        var laptop = await app.SignedIn();

        Assert.True(await app.Send(new Contracts.SwitchOrganization(laptop.SessionId, "acme", "sales")));

        Assert.Equal(("acme", "sales"), await Active(laptop));
        Assert.False(await app.Send(new Contracts.SwitchOrganization("nobody's", "acme", null)));
    }

    [Fact]
    public async Task Who_leaves_an_organization_has_it_active_nowhere()
    {
        var (laptop, other) = (await app.SignedIn(), await app.SignedIn());
        var phone = await app.SignedIn(laptop.Person);
        foreach (var device in (Device[])[laptop, phone, other])
            await app.Send(new Contracts.SwitchOrganization(device.SessionId, "globex", "sales"));

        Assert.Equal(1, await app.Send(new Contracts.LeaveOrganization("globex", other.Person.Id, "sales")));
        Assert.Equal(("globex", null), await Active(other));
        Assert.Equal(2, await app.Send(new Contracts.LeaveOrganization("globex", laptop.Person.Id)));
        Assert.Equal((null, null), await Active(phone));
        Assert.Equal(1, await app.Send(new Contracts.LeaveOrganization("globex")));
        Assert.Equal((null, null), await Active(other));
    }

    [Fact]
    public async Task A_session_is_ended_by_its_id_once()
    {
        var laptop = await app.SignedIn();
        Assert.True(await app.Send(new Contracts.EndSession(laptop.SessionId, "impersonation_stopped")));
        Assert.False(await app.IsSignedIn(laptop));
        Assert.False(await app.Send(new Contracts.EndSession(laptop.SessionId, "impersonation_stopped")));
        Assert.Equal(["session.started.1 password", "session.revoked.1 impersonation_stopped"], await app.History(laptop.SessionId));
    }

    [Fact]
    public async Task An_impersonated_session_says_by_whom_and_lives_as_long_as_it_was_given()
    {
        var person = await app.Registered();
        var started = await app.Send(new Contracts.StartSession(person.Id, false, "impersonation", "root", TimeSpan.FromHours(1), "acme"));
        Assert.Equal(("root", "acme", started.Token), (started.View.ImpersonatedBy, started.View.ActiveOrganizationId, started.View.Token));
        Assert.Equal(TimeSpan.FromHours(1), started.View.ExpiresAt - started.View.CreatedAt);
        Assert.Equal("root", (await app.Row(started.SessionId))!.ImpersonatedBy);
    }

    private async Task<(string? Organization, string? Team)> Active(Device device)
    {
        var session = JsonDocument.Parse((await app.Get(device.Browser, "/api/auth/get-session")).Body).RootElement.GetProperty("session");
        return (session.GetProperty("activeOrganizationId").GetString(), session.GetProperty("activeTeamId").GetString());
    }
}
