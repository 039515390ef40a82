namespace Modular.Identity.Tests;

public sealed class FinishLinkingTests(ProviderApp app) : IClassFixture<ProviderApp>
{
    [Fact]
    public async Task A_linking_ends_with_the_session_that_wanted_it()
    {
        var guest = Guests.New();
        var (browser, _) = await app.SignedInBy(guest);
        var back = await app.Leave(browser, guest with { Subject = $"{guest.Subject}-intruder" }, path: "/api/auth/link-social");
        await app.Ask(browser, "revoke-sessions", new { });
        Assert.Contains("error=unable_to_link_account", await app.Return(browser, back), StringComparison.Ordinal);
        Assert.Equal(0, await app.Count("select count(*) from identity.mt_doc_account where data ->> 'accountId' = $1", $"{guest.Subject}-intruder"));
        Assert.Equal(1, await app.Count(
            "select count(*) from identity.mt_events where type = 'account.change_refused.1' and data ->> 'reason' = $1", "session_ended"));
    }

    [Fact]
    public async Task While_it_lives_the_account_is_linked()
    {
        var guest = Guests.New();
        var (browser, _) = await app.SignedInBy(guest);
        await app.Visit(browser, guest with { Subject = $"{guest.Subject}-second" }, path: "/api/auth/link-social");
        Assert.Equal(1, await app.Count("select count(*) from identity.mt_doc_account where data ->> 'accountId' = $1", $"{guest.Subject}-second"));
    }

    [Fact]
    public async Task What_would_be_stored_is_refused_when_it_is_too_long()
    {
        var (browser, _) = await app.SignedInBy();
        var (tooLong, many) = (new string('a', 2049), Enumerable.Repeat("a", 51));
        Assert.Contains("INVALID_CALLBACK_URL", (await app.Ask(browser, "sign-in/social", new { provider = "fake", callbackURL = $"/{tooLong}" }, 403)).Body, StringComparison.Ordinal);
        await app.Ask(browser, "sign-in/social", new { provider = "fake", callbackURL = $"/{tooLong[..2047]}" });
        await app.Ask(browser, "sign-in/social", new { provider = "fake", loginHint = tooLong }, 400);
        await app.Ask(browser, "sign-in/social", new { provider = "fake", scopes = many }, 400);
        await app.Ask(browser, "sign-in/social", new { provider = "fake", scopes = new[] { tooLong } }, 400);
        await app.Ask(browser, "sign-in/social", new { provider = "fake", additionalParams = new { a = tooLong } }, 400);
        await app.Ask(browser, "sign-in/social", new { provider = "fake", additionalData = new { a = new string('a', 8192) } }, 400);
    }
}
