using Modular.Testing;

namespace Modular.Identity.Tests;

public sealed class OrganizationLimitsTests(SmallOrganizations app) : IClassFixture<SmallOrganizations>
{
    [Fact]
    public async Task Of_those_who_accept_at_once_on_two_nodes_no_more_get_in_than_there_is_room()
    {
        var ada = await app.SignedUp();
        var id = await app.Founds(ada);
        var people = await Task.WhenAll(Enumerable.Range(0, 50).Select(_ => app.SignedUp()));
        var invitations = new List<(Person Person, string Id)>();
        foreach (var person in people)
            invitations.Add((person, await app.Invites(ada, id, person.Email)));
        await using var other = await app.AnotherNode().AsDisposable();
        var answers = await Task.WhenAll(invitations.Select((invited, at) =>
            (at % 2 == 0 ? app : other.App).Try(Elsewhere(invited.Person, at % 2 == 0 ? app : other.App), "accept-invitation", new { invitationId = invited.Id })));
        Assert.Equal(4, answers.Count(answer => answer.Status == 200));
        Assert.All(answers.Where(answer => answer.Status != 200), answer => Assert.Equal("ORGANIZATION_MEMBERSHIP_LIMIT_REACHED", answer.Code()));
        Assert.Equal(5, await app.Members(id));
    }

    [Fact]
    public async Task There_are_no_more_organizations_of_one_user_than_are_allowed()
    {
        var ada = await app.SignedUp();
        var answers = await Task.WhenAll(Enumerable.Range(0, 20).Select(_ => app.Try(ada, "create", new { name = "Acme", slug = Guild.NewSlug() })));
        Assert.Equal(3, answers.Count(answer => answer.Status == 200));
        Assert.All(answers.Where(answer => answer.Status != 200), answer => Assert.Equal("YOU_HAVE_REACHED_THE_MAXIMUM_NUMBER_OF_ORGANIZATIONS", answer.Code()));
    }

    [Fact]
    public async Task There_are_no_more_open_invitations_than_are_allowed()
    {
        var ada = await app.SignedUp();
        var id = await app.Founds(ada);
        var answers = await Task.WhenAll(Enumerable.Range(0, 70).Select(_ =>
            app.Try(ada, "invite-member", new { email = People.NewAddress(), role = "member", organizationId = id })));
        Assert.Equal(60, answers.Count(answer => answer.Status == 200));
        Assert.All(answers.Where(answer => answer.Status != 200), answer => Assert.Equal("INVITATION_LIMIT_REACHED", answer.Code()));
    }

    [Fact]
    public async Task A_verified_address_is_asked_for_where_it_is_required()
    {
        var (ada, ben) = (await app.SignedUp(), await app.SignedUp());
        await using var strict = await new StrictOrganizations().AsDisposable(initialize: true);
        (ada, ben) = (await strict.App.SignedUp(), await strict.App.SignedUp());
        var id = await strict.App.Founds(ada);
        var invitationId = await strict.App.Invites(ada, id, ben.Email);
        Assert.Equal(
            "EMAIL_VERIFICATION_REQUIRED_BEFORE_ACCEPTING_OR_REJECTING_INVITATION",
            (await strict.App.Do(ben, "accept-invitation", new { invitationId }, 403)).Code());
        Assert.Equal("ORGANIZATION_DELETION_DISABLED", (await strict.App.Do(ada, "delete", new { organizationId = id }, 404)).Code());
        Assert.Contains($"https://app.example.com/join/{invitationId}", (await strict.App.MailsTo(ben.Email))[^1].Text("text"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_group_that_is_off_is_not_there()
    {
        await using var off = await new NoOrganizations().AsDisposable(initialize: true);
        var ada = await off.App.SignedUp();
        Assert.Equal("", (await off.App.See(ada, "list", 404)).Body);
        Assert.Equal("", (await off.App.Do(ada, "create", new { name = "Acme", slug = "acme" }, 404)).Body);
    }

    private static Person Elsewhere(Person person, App node)
    {
        var browser = node.Browser();
        foreach (var (name, value) in person.Browser.Cookies)
            browser.Put(name, value);
        return person with { Browser = browser };
    }
}

public sealed class SmallOrganizations() : App(new()
{
    ["Organizations:MaxMembers"] = "5",
    ["Organizations:MaxInvitations"] = "60",
    ["Organizations:MaxPerUser"] = "3",
});

public sealed class StrictOrganizations() : App(new()
{
    ["Organizations:RequireVerifiedEmail"] = "true",
    ["Organizations:AllowDeletion"] = "false",
    ["Organizations:InvitationUrl"] = "https://app.example.com/join/{id}",
});

public sealed class NoOrganizations() : App(new() { ["Auth:Groups:organization"] = "false" });

/// <summary>A server for one test.</summary>
internal sealed record OwnApp(App App) : IAsyncDisposable
{
    public async ValueTask DisposeAsync() => await App.DisposeAsync();
}

internal static class OwnApps
{
    public static async Task<OwnApp> AsDisposable(this Task<App> app) => new(await app);

    public static async Task<OwnApp> AsDisposable(this App app, bool initialize)
    {
        if (initialize)
            await app.InitializeAsync();
        return new(app);
    }
}
