using System.Diagnostics;
using Modular.Testing;

namespace Modular.Identity.Tests;

public sealed class TokenRefreshOverHttp(ProviderApp app) : IClassFixture<ProviderApp>, IDisposable
{
    public void Dispose() => (app.Provider.ExpiresIn, app.Provider.Thinks) = (3600, TimeSpan.Zero);

    [Fact]
    public async Task Fifty_askers_on_two_nodes_are_one_refresh_and_all_get_the_new_token()
    {
        var node = await app.AnotherNode();
        try
        {
            var (browser, id) = await AlmostExpired();
            var before = app.Provider.Refreshes;
            (app.Provider.Thinks, app.Provider.ExpiresIn) = (TimeSpan.FromMilliseconds(300), 3600);
            var answers = await Task.WhenAll(Enumerable.Range(0, 50)
                .Select(asker => (asker % 2 == 0 ? app : node).Ask(Copy(browser, asker % 2 == 0 ? app : node), "get-access-token", new { accountId = id })));
            var token = Assert.Single(answers.Select(answer => answer.Json().GetProperty("accessToken").GetString()).Distinct());
            Assert.Contains(token, app.Provider.Given);
            Assert.Equal((before + 1, 0), (app.Provider.Refreshes, app.Provider.Reuses));
            Assert.Equal(1, await app.Count("select count(*) from identity.mt_events where type = 'account.refreshed.1' and data ->> 'accountId' = $1", id));
        }
        finally
        {
            await node.DisposeAsync();
        }
    }

    [Fact]
    public async Task Refreshing_on_demand_by_fifty_on_two_nodes_loses_no_token()
    {
        var node = await app.AnotherNode();
        try
        {
            var (browser, id) = await AlmostExpired();
            app.Provider.Thinks = TimeSpan.FromMilliseconds(20);
            await Task.WhenAll(Enumerable.Range(0, 50)
                .Select(asker => (asker % 2 == 0 ? app : node).Ask(Copy(browser, asker % 2 == 0 ? app : node), "refresh-token", new { accountId = id })));
            await app.Ask(browser, "refresh-token", new { accountId = id });
            Assert.Equal(0, app.Provider.Reuses);
        }
        finally
        {
            await node.DisposeAsync();
        }
    }

    [Fact]
    public async Task Signing_in_during_a_refresh_loses_no_token_either()
    {
        var guest = Guests.New();
        var (browser, _) = await app.SignedInBy(guest);
        var id = await app.AccountOf(browser);
        app.Provider.Thinks = TimeSpan.FromMilliseconds(50);
        await Task.WhenAll(Enumerable.Range(0, 20).Select(turn => turn % 2 == 0
            ? app.Ask(browser, "refresh-token", new { accountId = id })
            : (Task)app.SignedInBy(guest)));
        await app.Ask(browser, "refresh-token", new { accountId = id });
        Assert.Equal(0, app.Provider.Reuses);
    }

    [Fact]
    public async Task Who_hangs_up_does_not_lose_the_new_token()
    {
        var (browser, id) = await AlmostExpired();
        (app.Provider.Thinks, app.Provider.ExpiresIn) = (TimeSpan.FromMilliseconds(500), 3600);
        using var client = new HttpClient { BaseAddress = new Uri(app.Url), Timeout = TimeSpan.FromMilliseconds(200) };
        using var request = new HttpRequestMessage(HttpMethod.Post, "/api/auth/refresh-token") { Content = System.Net.Http.Json.JsonContent.Create(new { accountId = id }) };
        request.Headers.TryAddWithoutValidation("Origin", app.Url);
        request.Headers.TryAddWithoutValidation("Cookie", browser.CookieHeader);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => client.SendAsync(request));
        await app.Ask(browser, "get-access-token", new { accountId = id });
        await app.Ask(browser, "refresh-token", new { accountId = id });
        Assert.Equal(0, app.Provider.Reuses);
    }

    [Fact]
    public async Task A_provider_that_says_no_is_a_clean_error()
    {
        var (browser, id) = await AlmostExpired();
        await app.Sql("update identity.mt_doc_account set data = data - 'refreshToken' where id = $1", id);
        var missing = await app.Ask(browser, "refresh-token", new { accountId = id }, 400);
        Assert.Equal("""{"message":"Refresh token not found","code":"REFRESH_TOKEN_NOT_FOUND"}""", missing.Body);

        // What cannot be refreshed is given as it is.
        await app.Ask(browser, "get-access-token", new { accountId = id });
    }

    [Fact]
    public async Task A_provider_that_is_slow_keeps_nobody_waiting_for_long()
    {
        var (browser, id) = await AlmostExpired();
        app.Provider.Thinks = TimeSpan.FromSeconds(8);
        var watch = Stopwatch.StartNew();
        var answers = await Task.WhenAll(
            app.Ask(browser, "get-access-token", new { accountId = id }, 400), app.Ask(browser, "refresh-token", new { accountId = id }, 400));
        Assert.InRange(watch.Elapsed.TotalSeconds, 4, 8);
        Assert.Equal(
            ["""{"message":"Failed to get a valid access token","code":"FAILED_TO_GET_ACCESS_TOKEN"}""", """{"message":"Failed to refresh access token","code":"FAILED_TO_REFRESH_ACCESS_TOKEN"}"""],
            answers.Select(answer => answer.Body));
    }

    private async Task<(Browser Browser, string AccountId)> AlmostExpired()
    {
        app.Provider.ExpiresIn = 4;
        var (browser, _) = await app.SignedInBy();
        return (browser, await app.AccountOf(browser));
    }

    // The same cookies, from the origin of that node.
    private static Browser Copy(Browser browser, App node)
    {
        var copy = node.Browser();
        foreach (var (name, value) in browser.Cookies)
            copy.Put(name, value);
        return copy;
    }
}
