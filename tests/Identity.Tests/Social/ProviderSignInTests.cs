using System.Text.Json;
using Microsoft.Extensions.DependencyInjection;
using Modular.Store;
using Modular.Testing;

namespace Modular.Identity.Tests;

public sealed class ProviderSignInTests
{
    private static readonly DateTimeOffset Noon = new(2026, 1, 1, 12, 0, 0, TimeSpan.Zero);
    private static readonly User Ada = new("ada", "Ada", "ada@example.com", EmailVerified: true, null, Noon, Noon, "user");
    private static readonly User Unverified = Ada with { EmailVerified = false };
    private static readonly User Banned = Ada with { Banned = true };
    private static readonly ProviderUser Verified = new("https://id", "1", "ada@example.com", true, null, null, default);
    private static readonly ProviderUser Doubtful = Verified with { EmailVerified = false };
    private static readonly Account Known = Account.Of("ada", "p", Verified, Noon);

    private static readonly ProviderOptions Usual = new();
    private static readonly ProviderOptions Trusted = new() { Trusted = true };
    private static readonly ProviderOptions Closed = new() { ImplicitSignUp = false };
    private static readonly ProviderOptions Unlinking = new() { ImplicitLinking = false, Trusted = true };

    private static string Decide(ProviderOptions provider, ProviderUser person, Account? account, User? user, bool allows = true, bool requests = false)
    {
        var decided = ProviderSignIn.Decide(provider, allows, new Arrival("p", person, new(null), requests), account, user, Noon);
        return decided.Refusal?.Code ?? decided.Answer.ToString();
    }

    [Fact]
    public void Who_has_the_account_is_signed_in_whatever_the_address_is_worth() => Assert.Equal(
        ["SignIn", "SignIn", "SignIn", "BANNED_USER", "unable_to_link_account"],
        [
            Decide(Usual, Verified, Known, Ada), Decide(Unlinking, Doubtful, Known, Unverified), Decide(Closed, Verified, Known, Ada, allows: false),
            Decide(Trusted, Verified, Known, Banned), Decide(Trusted, Verified, Known, null),
        ]);

    [Fact]
    public void Who_has_the_address_is_linked_only_where_both_sides_know_that_it_is_theirs() => Assert.Equal(
        ["Link", "account_not_linked", "account_not_linked", "Link", "account_not_linked", "account_not_linked", "BANNED_USER"],
        [
            Decide(Usual, Verified, null, Ada), Decide(Usual, Doubtful, null, Ada), Decide(Usual, Verified, null, Unverified),
            Decide(Trusted, Doubtful, null, Ada), Decide(Trusted, Verified, null, Unverified), Decide(Unlinking, Verified, null, Ada),
            Decide(Usual, Verified, null, Banned),
        ]);

    [Fact]
    public void Who_is_unknown_is_registered_where_that_is_allowed() => Assert.Equal(
        ["Register", "Register", "signup_disabled", "Register", "signup_disabled"],
        [
            Decide(Usual, Verified, null, null), Decide(Usual, Doubtful, null, null), Decide(Closed, Verified, null, null),
            Decide(Closed, Verified, null, null, requests: true), Decide(Usual, Verified, null, null, allows: false, requests: true),
        ]);

    [Fact]
    public void Linking_on_request_needs_the_same_address_and_somebody_who_knows_it()
    {
        static string Link(ProviderOptions provider, ProviderUser person, Account? known, User user) =>
            AccountLinking.Decide(provider, person, user, known, Noon)?.Code ?? "linked";
        var other = Verified with { Email = "other@example.com" };
        Assert.Equal(
            ["linked", "unable_to_link_account", "linked", "email_does_not_match", "linked", "linked", "account_already_linked_to_different_user", "BANNED_USER"],
            [
                Link(Usual, Verified, null, Unverified), Link(Usual, Doubtful, null, Ada), Link(Trusted, Doubtful, null, Ada), Link(Usual, other, null, Ada),
                Link(new() { LinkDifferentEmails = true }, other, null, Ada), Link(Usual, other, Known, Ada),
                Link(Usual, Verified, Known with { UserId = "eve" }, Ada), Link(Usual, Verified, Known, Banned),
            ]);
    }

    [Fact]
    public void The_last_account_stays_whatever_is_named()
    {
        Assert.Equal("FAILED_TO_UNLINK_LAST_ACCOUNT", UnlinkAccount.Decide(1, Known, isFresh: true)?.Code);
        Assert.Equal("FAILED_TO_UNLINK_LAST_ACCOUNT", UnlinkAccount.Decide(1, null, isFresh: true)?.Code);
        Assert.Equal("ACCOUNT_NOT_FOUND", UnlinkAccount.Decide(2, null, isFresh: true)?.Code);
        Assert.Equal("SESSION_NOT_FRESH", UnlinkAccount.Decide(2, Known, isFresh: false)?.Code);
        Assert.Null(UnlinkAccount.Decide(2, Known, isFresh: true));
    }

    [Fact]
    public void An_account_stored_before_there_were_tokens_still_loads()
    {
        const string Stored = """
            {"id":"1","userId":"ada","providerId":"credential","issuer":"local:credential","accountId":"ada","password":"hash",
            "createdAt":"2026-01-01T12:00:00+00:00","updatedAt":"2026-01-01T12:00:00+00:00"}
            """;
        Assert.Equal(Account.Credential("ada", "hash", Noon) with { Id = "1" }, JsonSerializer.Deserialize<Account>(Stored, StoreJson.Options));
    }
}

public sealed class ProviderSignInOverHttp(ProviderApp app) : IClassFixture<ProviderApp>
{
    [Fact]
    public async Task A_session_says_which_provider_it_came_by()
    {
        var (browser, _) = await app.SignedInBy();
        var id = (await Session(browser)).GetProperty("session").GetProperty("id").GetString()!;
        Assert.Equal("fake", (await app.Sql("select data ->> 'method' from sessions.mt_doc_session where id = $1", id))[0][0]);
    }

    [Fact]
    public async Task Registering_linking_and_unlinking_are_events_about_the_user()
    {
        var (browser, guest) = await app.SignedInBy();
        var user = (await Session(browser)).GetProperty("user").GetProperty("id").GetString()!;
        Assert.Equal("/dash", await app.Visit(app.Browser(), guest with { Subject = $"{guest.Subject}-too" }, "trusted"));
        await app.Ask(browser, "unlink-account", new { accountId = await app.AccountOf(browser) });
        await app.Ask(browser, "unlink-account", new { accountId = await app.AccountOf(browser, "trusted") }, 400);
        Assert.Equal(
            [
                "account.linked.1 success sign_up", "account.linked.1 success same_address", "account.unlinked.1 success ",
                "account.change_refused.1 refused failed_to_unlink_last_account",
            ],
            await Events(user, "account.%"));
    }

    [Fact]
    public async Task Who_is_refused_by_name_is_in_the_log_with_the_reason()
    {
        var known = await app.SignedUp();
        Assert.Equal("/failed?error=account_not_linked", await app.Visit(app.Browser(), Guests.New(email: known.Email)));
        Assert.Equal(["sign_in.provider_refused.1 refused account_not_linked"], await Events(known.Id, "sign_in.%"));

        var stranger = Guests.New();
        Assert.Equal("/failed?error=signup_disabled", await app.Visit(app.Browser(), stranger, "closed"));
        var hash = app.Services.GetRequiredService<AddressHash>().Of(stranger.Email!);
        Assert.Equal(1, await app.Count(
            "select count(*) from identity.mt_events where type = 'sign_in.provider_refused.1' and data ->> 'addressHash' = $1 and data ->> 'reason' = 'signup_disabled'", hash));
        Assert.Equal("/dash", await app.Visit(app.Browser(), stranger, "closed", requestSignUp: true));
    }

    [Fact]
    public async Task A_ban_is_told_to_whoever_shows_that_the_account_is_theirs_and_lifted_when_it_is_over()
    {
        var (browser, guest) = await app.SignedInBy();
        var user = (await Session(browser)).GetProperty("user").GetProperty("id").GetString()!;
        await Append(user, new UserBanned(user, "spam", app.Clock.GetUtcNow().AddMinutes(1), app.Clock.GetUtcNow()));
        Assert.Equal(
            "/failed?error=BANNED_USER&error_description=You+have+been+banned+from+this+application.+Please+contact+support+if+you+believe+this+is+an+error.",
            await app.Visit(app.Browser(), guest));
        var idToken = new { provider = "fake", idToken = new { token = app.Provider.IdToken(guest) } };
        var refused = await app.Ask(app.Browser(), "sign-in/social", idToken, 403);
        Assert.Equal("BANNED_USER", refused.Json().GetProperty("code").GetString());
        Assert.Empty(refused.SetCookies);
        Assert.Equal(2, (await Events(user, "sign_in.%")).Count(line => line == "sign_in.provider_refused.1 refused banned_user"));

        await Append(user, new UserBanned(user, "spam", app.Clock.GetUtcNow().AddSeconds(-1), app.Clock.GetUtcNow()));
        Assert.Equal("/dash", await app.Visit(app.Browser(), guest));
        Assert.Equal("user.unbanned.1 success expired", (await Events(user, "user.%"))[^1]);
    }

    [Fact]
    public async Task An_address_that_the_provider_has_verified_is_verified_here()
    {
        var guest = Guests.New(emailVerified: false);
        var (browser, _) = await app.SignedInBy(guest);
        Assert.False((await Session(browser)).GetProperty("user").GetProperty("emailVerified").GetBoolean());
        await app.SignedInBy(guest with { EmailVerified = true });
        var user = (await Session(browser)).GetProperty("user");
        Assert.True(user.GetProperty("emailVerified").GetBoolean());
        Assert.Equal("user.email_verified.1 success fake", (await Events(user.GetProperty("id").GetString()!, "user.%"))[^1]);

        // Of another address it says nothing.
        var other = Guests.New(emailVerified: false);
        var (second, _) = await app.SignedInBy(other);
        await app.SignedInBy(other with { EmailVerified = true, Email = People.NewAddress() });
        Assert.False((await Session(second)).GetProperty("user").GetProperty("emailVerified").GetBoolean());
    }

    [Fact]
    public async Task Nobody_without_an_address_is_let_in()
    {
        Assert.Equal("/failed?error=email_not_found", await app.Visit(app.Browser(), new Guest("no-address", null)));
        Assert.Equal("/failed?error=email_not_found", await app.Visit(app.Browser(), new Guest("bad-address", "not an address")));
    }

    [Fact]
    public async Task A_state_is_good_for_ten_minutes()
    {
        var (browser, guest) = (app.Browser(), Guests.New());
        var back = await app.Leave(browser, guest);
        app.Clock.Advance(TimeSpan.FromMinutes(10));
        Assert.Equal("/failed?error=state_mismatch", await app.Return(browser, back));
    }

    [Fact]
    public async Task What_comes_back_from_a_browser_is_in_no_table()
    {
        var browser = app.Browser();
        var left = await app.Ask(browser, "sign-in/social", new { provider = "fake" });
        var state = System.Web.HttpUtility.ParseQueryString(new Uri(left.Json().GetProperty("url").GetString()!).Query)["state"]!;
        Assert.Empty(await TablesWith(app, state));
    }

    [Fact]
    public async Task A_name_that_is_too_long_keeps_nobody_out()
    {
        var guest = Guests.New() with { Name = new string('\u0001', 1000) };
        var (browser, _) = await app.SignedInBy(guest);
        Assert.Equal(new string('\u0001', 200), (await Session(browser)).GetProperty("user").GetProperty("name").GetString());
    }

    [Fact]
    public async Task Tokens_are_sealed_at_rest()
    {
        var (browser, _) = await app.SignedInBy();
        var id = await app.AccountOf(browser);
        var shown = (await app.Ask(browser, "get-access-token", new { accountId = id })).Json().GetProperty("accessToken").GetString()!;
        Assert.Contains(shown, app.Provider.Given);
        await app.Ask(browser, "refresh-token", new { accountId = id });
        await app.Settled();
        foreach (var secret in app.Provider.Given)
            Assert.Empty(await TablesWith(app, secret));

        // And for one row: in another they open nothing.
        var (other, _) = await app.SignedInBy();
        await app.Sql(
            "update identity.mt_doc_account a set data = a.data || jsonb_build_object('accessToken', b.data ->> 'accessToken') from identity.mt_doc_account b where a.id = $1 and b.id = $2",
            await app.AccountOf(other), id);
        await app.Ask(other, "get-access-token", new { accountId = await app.AccountOf(other) }, 400);
    }

    [Fact]
    public async Task An_old_session_gives_up_no_account()
    {
        var (browser, guest) = await app.SignedInBy();
        await app.Visit(app.Browser(), guest with { Subject = $"{guest.Subject}-too" }, "trusted");
        var id = await app.AccountOf(browser);
        var session = (await Session(browser)).GetProperty("session").GetProperty("id").GetString()!;
        await app.Sql("update sessions.mt_doc_session set created_at = now() - interval '25 hours' where id = $1", session);
        // What is changed beside the server is heard a moment later.
        for (var look = 0; look < 100 && (await ListSessions(browser)).Status == 200; look++)
            await Task.Delay(20);
        var refused = await app.Ask(browser, "unlink-account", new { accountId = id }, 403);
        Assert.Equal("""{"message":"Session is not fresh","code":"SESSION_NOT_FRESH"}""", refused.Body);
    }

    private Task<ScenarioResult> ListSessions(Browser browser) => app.Scenario(_ =>
    {
        _.As(browser).Get.Url("/api/auth/list-sessions");
        _.IgnoreStatusCode();
    });

    /// <summary>Every table in which the text occurs, in whatever column.</summary>
    internal static async Task<IReadOnlyList<string>> TablesWith(App app, string text)
    {
        var found = new List<string>();
        foreach (var row in await app.Sql(
            "select quote_ident(table_schema) || '.' || quote_ident(table_name) from information_schema.tables where table_type = 'BASE TABLE' and table_schema not in ('pg_catalog', 'information_schema')"))
        {
            // Bytes are shown in hexadecimal by a row's text.
            if (await app.Count($"select count(*) from {row[0]} as t where strpos(t::text, $1) > 0 or strpos(t::text, encode(convert_to($1, 'UTF8'), 'hex')) > 0", text) > 0)
                found.Add((string)row[0]!);
        }

        return found;
    }

    private async Task<JsonElement> Session(Browser browser) => (await app.Scenario(_ => _.As(browser).Get.Url("/api/auth/get-session"))).Json();

    private async Task Append(string stream, object happened)
    {
        await using var session = app.Services.GetRequiredService<IDocumentStore>().LightweightSession();
        session.Events.Append(stream, happened);
        await session.SaveChangesAsync();
    }

    private async Task<IReadOnlyList<string>> Events(string user, string types) =>
        [.. (await app.Sql(
            "select type || ' ' || (c ->> 'outcome') || ' ' || coalesce(c ->> 'reason', '') from "
            + "(select type, seq_id, convert_from(canonical, 'UTF8')::jsonb as c from identity.mt_events) e where c ->> 'subject' = $1 and type like $2 order by seq_id",
            user, types)).Select(row => (string)row[0]!)];
}

/// <summary>Where only verified addresses sign in.</summary>
public sealed class VerifyingProviderApp() : ProviderApp(("Auth:RequireEmailVerification", "true"));

public sealed class ProviderSignInWhereAddressesAreVerified(VerifyingProviderApp app) : IClassFixture<VerifyingProviderApp>
{
    [Fact]
    public async Task Who_has_not_verified_theirs_is_registered_gets_a_link_and_is_not_signed_in()
    {
        var (browser, guest) = (app.Browser(), Guests.New(emailVerified: false));
        Assert.Equal("/failed?error=email_not_verified", await app.Visit(browser, guest));
        Assert.DoesNotContain(browser.Cookies.Keys, name => name.EndsWith("session_token", StringComparison.Ordinal));
        var refused = await app.Ask(app.Browser(), "sign-in/social", new { provider = "fake", idToken = new { token = app.Provider.IdToken(guest) } }, 403);
        Assert.Equal("""{"message":"Email not verified","code":"EMAIL_NOT_VERIFIED"}""", refused.Body);
        Assert.Equal(1, await app.Count("select count(*) from identity.mt_doc_user where email = $1", guest.Email!));
        Assert.Equal(2, await app.Count("select count(*) from identity.mt_events where type = 'sign_in.provider_refused.1' and data ->> 'reason' = 'email_not_verified'"));
        await app.Settled();
        var mailbox = await app.Scenario(_ => _.Get.Url($"/dev/mailbox?to={Uri.EscapeDataString(guest.Email!)}"));
        Assert.Equal(2, mailbox.Json().GetArrayLength());

        // Once the provider says that it is theirs, they are in.
        Assert.Equal("/dash", await app.Visit(browser, guest with { EmailVerified = true }));
    }
}
