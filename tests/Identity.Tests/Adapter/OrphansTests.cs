namespace Modular.Identity.Tests;

/// <summary>What becomes of a user whose sign-in broke off before the account was linked.</summary>
public sealed class OrphansTests(AdapterApp app) : IClassFixture<AdapterApp>
{
    private static readonly DateTimeOffset Noon = new(2026, 1, 1, 12, 0, 0, TimeSpan.Zero);
    private static readonly TimeSpan Window = TimeSpan.FromMinutes(15);

    private static readonly User Left = User.Create(new UserRegistered("1", "Ada", "ada@example.com", null, false, User.DefaultRole, Noon, Reason: User.ViaAdapter));

    [Fact]
    public async Task The_next_try_finds_nobody_and_gets_a_new_user_who_can_come_in()
    {
        var email = People.NewAddress();
        var first = await app.MadeUser(email);
        // The visitor may still be under way.
        Assert.Equal(first, (await app.Ask("get-user-by-email", new { email })).Text("id"));
        await app.Call("create-user", new { email }, 409);

        app.Clock.Advance(TimeSpan.FromMinutes(1));
        await app.Finds(null, "get-user-by-email", new { email });
        var second = await app.MadeUser(email);
        Assert.NotEqual(first, second);
        await app.Call("link-account", Applications.Account(second, "repaired"));
        Assert.Equal(second, (await app.Ask("get-user-by-email", new { email })).Text("id"));
        Assert.Equal("user_not_found", (await app.Call("link-account", Applications.Account(first, "late"), 404)).Code());
        Assert.Equal(["sign_in_broke_off"], await app.Reasons("user.deleted.1", first));
    }

    [Theory]
    [InlineData("link-account")]
    [InlineData("create-authenticator")]
    [InlineData("create-session")]
    [InlineData("update-user")]
    public async Task Whoever_has_anything_stays(string given)
    {
        var email = People.NewAddress();
        var id = await app.MadeUser(email);
        await app.Call(given, given switch
        {
            "link-account" => Applications.Account(id, Applications.NewId()),
            "create-authenticator" => Applications.Authenticator(id, Applications.NewId()),
            "create-session" => new { sessionToken = Guid.NewGuid(), userId = id, expires = DateTimeOffset.UtcNow.AddHours(20) },
            _ => new { id, name = "Ada, invited" },
        });
        app.Clock.Advance(TimeSpan.FromMinutes(1));
        Assert.Equal(id, (await app.Ask("get-user-by-email", new { email })).Text("id"));
        await app.Call("create-user", new { email }, 409);
    }

    [Fact]
    public async Task Of_many_tries_at_once_one_gets_the_address_and_what_it_links_stays()
    {
        var email = People.NewAddress();
        await app.MadeUser(email);
        app.Clock.Advance(TimeSpan.FromMinutes(1));
        var answers = await Task.WhenAll(Enumerable.Range(0, 50).Select(_ => app.Call("create-user", new { email }, status: null)));
        var made = Assert.Single(answers, answer => answer.Status == 200).Json().GetProperty("data").Text("id");
        await app.Call("link-account", Applications.Account(made, Applications.NewId()));
        Assert.Equal(1, await app.Count("select count(*) from identity.mt_doc_user where email = $1", email));
    }

    [Fact]
    public async Task An_account_that_is_linked_at_the_same_moment_is_not_lost_unnoticed()
    {
        for (var round = 0; round < 10; round++)
        {
            var email = People.NewAddress();
            var (id, account) = (await app.MadeUser(email), Applications.NewId());
            app.Clock.Advance(TimeSpan.FromMinutes(1));
            var linking = app.Call("link-account", Applications.Account(id, account), status: null);
            var making = app.Call("create-user", new { email }, status: null);
            await Task.WhenAll(linking, making);
            var found = await app.Ask("get-user-by-account", new { provider = "keycloak", providerAccountId = account });
            Assert.Equal(((await linking).Status == 200, (await making).Status == 200), (found.ValueKind != System.Text.Json.JsonValueKind.Null, (await linking).Status != 200));
        }
    }

    [Fact]
    public void Only_what_an_application_has_just_made_and_nobody_has_touched_gives_way()
    {
        Assert.True(Orphans.MayBeOne(Left, Window, Noon.AddMinutes(1)));
        Assert.False(Orphans.MayBeOne(Left, Window, Noon.AddSeconds(14)));
        Assert.False(Orphans.MayBeOne(Left, Window, Noon.AddMinutes(16)));
        Assert.False(Orphans.MayBeOne(Left, TimeSpan.Zero, Noon.AddMinutes(1)));
        Assert.False(Orphans.MayBeOne(Left with { Via = null }, Window, Noon.AddMinutes(1)));
        Assert.False(Orphans.MayBeOne(Left with { EmailVerified = true }, Window, Noon.AddMinutes(1)));
        Assert.False(Orphans.MayBeOne(Left with { Role = "admin" }, Window, Noon.AddMinutes(1)));
        Assert.False(Orphans.MayBeOne(Left with { Banned = true }, Window, Noon.AddMinutes(1)));
        Assert.False(Orphans.MayBeOne(Left with { UpdatedAt = Noon.AddSeconds(1) }, Window, Noon.AddMinutes(1)));
    }
}
