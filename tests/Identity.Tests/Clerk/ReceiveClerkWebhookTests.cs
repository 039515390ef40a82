using System.Text;
using Modular.Testing;

namespace Modular.Identity.Tests;

public sealed class ReceiveClerkWebhookTests(ClerkApp app) : IClassFixture<ClerkApp>
{
    [Fact]
    public async Task A_user_made_at_Clerk_is_a_user_here_under_the_same_id()
    {
        var ada = Clerk.Somebody();
        Assert.Equal("""{"status":"applied","reason":null}""", (await app.Tell("user.created", ada, 1000)).Body);
        await app.Settled();

        Assert.Equal($"Ada Clerk|{ada.Email}|t|f", await app.Described(ada.Id));
        Assert.Equal(["user.registered.1"], await app.EventsOf(ada.Id));
        Assert.Equal(["clerk"], await app.Reasons("user.registered.1", ada.Id));
        Assert.Equal(["clerk"], await app.Reasons("account.linked.1", ada.Id));
        Assert.Equal(1, await app.Count("select count(*) from neon_auth.users_sync where id = $1 and name = 'Ada Clerk' and email = $2 and created_at = '2023-07-22T04:26:40Z'", ada.Id, ada.Email));
        Assert.Equal(1, await app.Count("select count(*) from identity.mt_doc_account where user_id = $1 and data ->> 'providerId' = 'clerk' and account_id = $1 and data ->> 'password' is null", ada.Id));
        Assert.Equal(1, await app.Count("select count(*) from profiles.mt_doc_profile where id = $1", ada.Id));
        Assert.Equal(1, await app.Count("select count(*) from audit.search where type = 'user.registered.1' and subject = $1 and reason = 'clerk'", ada.Id));
    }

    [Fact]
    public async Task Changes_are_followed_to_name_address_and_ban()
    {
        var ada = Clerk.Somebody();
        await app.Tell("user.created", ada, 1000);
        var changed = ada with { Name = "Ada B.", Email = $"new.{ada.Email}", Banned = true };
        await app.Tell("user.updated", changed, 2000);
        Assert.Equal($"Ada B. Clerk|{changed.Email}|t|t", await app.Described(ada.Id));
        Assert.Equal(1, await app.Count("select count(*) from neon_auth.users_sync where id = $1 and name = 'Ada B. Clerk' and email = $2 and (raw_json ->> 'banned')::bool", ada.Id, changed.Email));

        await app.Tell("user.updated", changed with { Banned = false }, 3000);
        Assert.Equal($"Ada B. Clerk|{changed.Email}|t|f", await app.Described(ada.Id));
        Assert.Equal(
            ["user.registered.1", "user.updated.1", "user.email_changed.1", "user.banned.1", "user.unbanned.1"], await app.EventsOf(ada.Id));
    }

    [Fact]
    public async Task What_arrives_in_the_wrong_order_ends_as_if_it_had_not()
    {
        var ada = Clerk.Somebody();
        await app.Tell("user.updated", ada with { Name = "New" }, 3000);
        Assert.Contains("\"stale\"", (await app.Tell("user.created", ada with { Name = "Old" }, 1000)).Body);
        Assert.Contains("\"stale\"", (await app.Tell("user.updated", ada with { Name = "Older" }, 2000)).Body);
        Assert.Contains("\"stale\"", (await app.Tell("user.updated", ada with { Name = "Same" }, 3000)).Body);
        Assert.Equal($"New Clerk|{ada.Email}|t|f", await app.Described(ada.Id));
    }

    [Fact]
    public async Task Nobody_comes_back_after_the_end()
    {
        var (ada, eve) = (Clerk.Somebody(), Clerk.Somebody());
        await app.Tell("user.created", ada, 1000);
        await app.Tell("user.deleted", ada, 2000);
        Assert.Equal(["clerk"], await app.Reasons("user.deleted.1", ada.Id));
        await app.Tell("user.deleted", eve, 2000);
        foreach (var gone in (ClerkPerson[])[ada, eve])
        {
            Assert.Equal("""{"status":"ignored","reason":"deleted"}""", (await app.Tell("user.created", gone, 1000)).Body);
            Assert.Equal("""{"status":"ignored","reason":"deleted"}""", (await app.Tell("user.updated", gone, 9000)).Body);
            Assert.Null(await app.Described(gone.Id));
            Assert.Equal(0, await app.Count("select count(*) from neon_auth.users_sync where id = $1", gone.Id));
            Assert.Equal(0, await app.Count("select count(*) from identity.mt_doc_account where account_id = $1", gone.Id));
        }

        // The address is free for whoever comes next.
        await app.Tell("user.created", Clerk.Somebody() with { Email = ada.Email }, 1000);
    }

    [Fact]
    public async Task A_message_counts_once_also_when_fifty_copies_come_at_once_to_two_nodes()
    {
        var ada = Clerk.Somebody();
        var message = new ClerkMessage("msg_fifty", ClerkTraffic.Body("user.created", ada, 1000));
        var other = await app.AnotherNode();
        try
        {
            var answers = await Task.WhenAll(Enumerable.Range(0, 50).Select(async at =>
            {
                var node = at % 2 == 0 ? app : other;
                ScenarioResult answer;
                do
                {
                    answer = await node.Scenario(_ =>
                    {
                        _.Post.RawJson(message.Body).ToUrl("/api/webhooks/clerk");
                        foreach (var (name, value) in message.Headers(Clerk.Secret, app.Clock.GetUtcNow()))
                            _.WithRequestHeader(name, value);
                        _.IgnoreStatusCode();
                    });
                }
                while (answer.Status == 409);
                return answer.Body;
            }));
            Assert.Single(answers, """{"status":"applied","reason":null}""");
            Assert.Equal(49, answers.Count(answer => answer == """{"status":"duplicate","reason":null}"""));
        }
        finally
        {
            await other.DisposeAsync();
        }

        Assert.Equal(["user.registered.1"], await app.EventsOf(ada.Id));
    }

    [Fact]
    public async Task A_forged_signature_does_nothing()
    {
        var ada = Clerk.Somebody();
        var body = ClerkTraffic.Body("user.created", ada, 1000);
        var now = app.Clock.GetUtcNow();
        var good = new Dictionary<string, string>(new ClerkMessage("msg_forged", body).Headers(Clerk.Secret, now));

        Assert.Equal("""{"error":"The signature does not fit","code":"invalid_signature"}""", (await app.Send(body + " ", good, 401)).Body);
        await app.Send(body, Without("svix-id", "msg_other"), 401);
        await app.Send(body, Without("svix-timestamp", "12x"), 401);
        await app.Send(body, Without("svix-signature", good["svix-signature"].Replace("v1,", "v2,", StringComparison.Ordinal)), 401);
        await app.Send(new ClerkMessage("msg_x", body), 401, "whsec_" + Convert.ToBase64String(Encoding.UTF8.GetBytes("somebody else's secret")));
        foreach (var missing in good.Keys)
            Assert.Equal("missing_signature", (await app.Send(body, Without(missing), 400)).Code());
        foreach (var off in (int[])[-301, 301])
            Assert.Equal("timestamp_out_of_window", (await app.Send(body, new ClerkMessage("msg_forged", body).Headers(Clerk.Secret, now.AddSeconds(off)), 401)).Code());
        Assert.Null(await app.Described(ada.Id));
        Assert.Equal(0, await app.Count("select count(*) from identity.clerk_messages where id in ('msg_forged', 'msg_x', 'msg_other')"));

        await app.Send(body, Without("svix-signature", $"v1a,xyz v1,AAAA {good["svix-signature"]}"), 200);
        Assert.NotNull(await app.Described(ada.Id));

        Dictionary<string, string> Without(string name, string? instead = null)
        {
            var headers = new Dictionary<string, string>(good);
            headers.Remove(name);
            if (instead is not null)
                headers[name] = instead;
            return headers;
        }
    }

    [Fact]
    public async Task The_secret_before_is_good_while_it_is_replaced()
    {
        var ada = Clerk.Somebody();
        await app.Send(new ClerkMessage("msg_previous", ClerkTraffic.Body("user.created", ada, 1000)), 200, Clerk.PreviousSecret);
        Assert.NotNull(await app.Described(ada.Id));
    }

    [Theory]
    [InlineData("{", "invalid_json")]
    [InlineData("[]", "validation_failed")]
    [InlineData("""{"type":7}""", "validation_failed")]
    [InlineData("""{"type":"user.created"}""", "validation_failed")]
    [InlineData("""{"type":"user.updated","data":{"id":"user_1"}}""", "validation_failed")]
    [InlineData("""{"type":"user.deleted","data":{"id":"account:1"}}""", "validation_failed")]
    [InlineData("""{"type":"user.created","data":{"id":"user_1","updated_at":1,"first_name":"\ud800"}}""", "invalid_json")]
    public async Task What_is_signed_and_makes_no_sense_is_refused(string body, string code) =>
        Assert.Equal(code, (await app.Send(new ClerkMessage($"msg_{body.GetHashCode():x}", body), 400)).Code());

    [Fact]
    public async Task Other_messages_are_accepted_and_ignored() => Assert.Equal(
        """{"status":"ignored","reason":"unknown_type"}""",
        (await app.Send(new ClerkMessage("msg_session", """{"type":"session.created","data":{"id":"sess_1"}}"""))).Body);

    [Fact]
    public async Task A_body_has_a_limit() => Assert.Equal(
        "body_too_large", (await app.Send(new ClerkMessage("msg_large", new string(' ', 300_000)), 413)).Code());

    [Fact]
    public async Task Who_has_the_address_here_is_linked_only_where_both_sides_have_verified_it()
    {
        var ada = await app.SignedUp();
        var clerk = Clerk.Somebody() with { Email = ada.Email };
        Assert.Equal("""{"status":"refused","reason":"address_taken"}""", (await app.Tell("user.created", clerk, 1000)).Body);
        Assert.Equal(["address_taken"], await app.Reasons("clerk.change_refused.1", ada.Id));
        Assert.Null(await app.Described(clerk.Id));

        await app.Sql("update identity.mt_doc_user set email_verified = true, data = jsonb_set(data, '{emailVerified}', 'true') where id = $1", ada.Id);
        Assert.Contains("address_taken", (await app.Tell("user.updated", clerk with { Verified = false }, 2000)).Body);
        Assert.Contains("applied", (await app.Tell("user.updated", clerk with { Name = "Ada C." }, 3000)).Body);
        Assert.Equal($"Ada C. Clerk|{ada.Email}|t|f", await app.Described(ada.Id));
        Assert.Null(await app.Described(clerk.Id));
        await app.SignIn(ada.Email);
        Assert.Contains("\"clerk\"", (await app.Scenario(_ => _.As(ada.Browser).Get.Url("/api/auth/list-accounts"))).Body);

        await app.Tell("user.deleted", clerk, 4000);
        Assert.Null(await app.Described(ada.Id));
    }

    [Fact]
    public async Task A_change_to_an_address_that_is_somebodys_leaves_the_old_one_and_takes_the_rest()
    {
        var (ada, clerk) = (await app.SignedUp(), Clerk.Somebody());
        await app.Tell("user.created", clerk, 1000);
        Assert.Equal(
            """{"status":"refused","reason":"address_taken"}""",
            (await app.Tell("user.updated", clerk with { Email = ada.Email, Name = "Mallory" }, 2000)).Body);
        Assert.Equal($"Mallory Clerk|{clerk.Email}|t|f", await app.Described(clerk.Id));
    }

    [Fact]
    public async Task An_address_that_goes_from_one_user_of_Clerk_to_another_is_waited_for()
    {
        var (first, second) = (Clerk.Somebody(), Clerk.Somebody());
        await app.Tell("user.created", first, 1000);
        var heir = second with { Email = first.Email };
        Assert.Equal("address_held", (await app.Tell("user.created", heir, 1000, 409, "msg_heir")).Code());
        await app.Tell("user.updated", first with { Email = $"moved.{first.Email}" }, 2000);
        Assert.Contains("applied", (await app.Tell("user.created", heir, 1000, id: "msg_heir")).Body);
        Assert.Equal($"Ada Clerk|{first.Email}|t|f", await app.Described(heir.Id));
    }

    [Fact]
    public async Task A_ban_ends_sessions_and_an_administrators_ban_is_not_lifted()
    {
        var ada = await app.SignedUp();
        await app.Sql("update identity.mt_doc_user set email_verified = true, data = jsonb_set(data, '{emailVerified}', 'true') where id = $1", ada.Id);
        var clerk = Clerk.Somebody() with { Email = ada.Email };
        await app.Tell("user.created", clerk with { Banned = true }, 1000);
        Assert.Equal("null", (await app.Scenario(_ => _.As(ada.Browser).Get.Url("/api/auth/get-session"))).Body);
        await app.SignIn(ada.Email, status: 403);

        await app.Sql("update identity.mt_doc_user set ban_reason = 'spam', data = jsonb_set(data, '{banReason}', '\"spam\"') where id = $1", ada.Id);
        await app.Tell("user.updated", clerk, 2000);
        await app.SignIn(ada.Email, status: 403);
    }

    [Fact]
    public async Task Whoever_has_lost_the_account_of_Clerk_is_not_led_by_it_any_more()
    {
        var ada = Clerk.Somebody() with { Verified = false };
        await app.Tell("user.created", ada, 1000);
        await app.Sql("delete from identity.mt_doc_account where user_id = $1", ada.Id);
        Assert.Contains("id_in_use", (await app.Tell("user.updated", ada with { Name = "Mallory" }, 2000)).Body);
        Assert.Contains("unknown_user", (await app.Tell("user.deleted", ada, 3000)).Body);
        Assert.Equal($"Ada Clerk|{ada.Email}|f|f", await app.Described(ada.Id));
    }

    [Fact]
    public async Task Somebody_without_an_address_gets_one_that_is_nobodys()
    {
        var body = """{"type":"user.created","data":{"id":"user_phone","updated_at":1,"email_addresses":[],"primary_email_address_id":null,"username":"phone"}}""";
        await app.Send(new ClerkMessage("msg_phone", body));
        Assert.Equal("phone|temp@user_phone.clerk.anonymous.invalid|f|f", await app.Described("user_phone"));
    }

    [Fact]
    public async Task Five_hundred_messages_shuffled_doubled_and_forged_end_in_the_right_state()
    {
        var traffic = new ClerkTraffic(500, seed: 4711);
        var other = await app.AnotherNode();
        try
        {
            await traffic.Deliver([app.Url, other.Url], Clerk.Secret, atOnce: 16, app.Clock.GetUtcNow);
        }
        finally
        {
            await other.DisposeAsync();
        }

        foreach (var person in traffic.People)
        {
            var expected = person.Deleted ? null : $"{person.Name} Clerk|{person.Email}|{(person.Verified ? 't' : 'f')}|{(person.Banned ? 't' : 'f')}";
            Assert.Equal(expected, await app.Described(person.Id));
            Assert.Equal(person.Deleted ? 0 : 1, await app.Count("select count(*) from neon_auth.users_sync where id = $1 and email = $2", person.Id, person.Email));
        }

        Assert.Equal(0, await app.Count("select count(*) from identity.mt_doc_user where name like 'Forged%'"));
    }

    [Fact]
    public async Task Messages_are_forgotten_a_day_after_nobody_can_send_them_again()
    {
        await app.Tell("user.created", Clerk.Somebody(), 1000, id: "msg_old");
        var database = Microsoft.Extensions.DependencyInjection.ServiceProviderServiceExtensions.GetRequiredService<Modular.Store.StoreDatabase>(app.Services);
        await ClerkLedger.Sweep(database, app.Clock.GetUtcNow().AddHours(24), default);
        Assert.Equal(1, await app.Count("select count(*) from identity.clerk_messages where id = 'msg_old'"));
        await ClerkLedger.Sweep(database, app.Clock.GetUtcNow().AddHours(25), default);
        Assert.Equal(0, await app.Count("select count(*) from identity.clerk_messages where id = 'msg_old'"));
    }
}

public sealed class ClerkIsOffTests(App app) : IClassFixture<App>
{
    [Fact]
    public async Task Without_a_secret_there_is_no_such_endpoint() =>
        Assert.Equal("not_found", (await app.Send(new ClerkMessage("msg_1", "{}"), 404)).Code());
}

public sealed class DecideClerkTests
{
    private static readonly DateTimeOffset Noon = new(2026, 1, 1, 12, 0, 0, TimeSpan.Zero);
    private static readonly ClerkUser Ada = new("user_1", "ada@example.com", EmailVerified: true, "Ada", null, null, Banned: false, Locked: false, null);
    private static readonly User Here = new("u1", "Ada", "ada@example.com", EmailVerified: true, null, Noon, Noon, "user");

    [Fact]
    public void The_newer_version_wins_and_the_end_is_the_end()
    {
        var known = new ClerkVersion("user_1", 2000, 5, IsDeleted: false, Revision: 1);
        Assert.Null(ReceiveClerkWebhook.Decide(known, new("user_1", Ada, 2001, 0)));
        Assert.Null(ReceiveClerkWebhook.Decide(known, new("user_1", Ada, 2000, 6)));
        Assert.Equal("stale", ReceiveClerkWebhook.Decide(known, new("user_1", Ada, 2000, 5))!.Status);
        Assert.Null(ReceiveClerkWebhook.Decide(known, new("user_1", null, 0, 0)));
        Assert.Equal("ignored", ReceiveClerkWebhook.Decide(known with { IsDeleted = true }, new("user_1", Ada, 9000, 9))!.Status);
    }

    [Fact]
    public void An_address_links_where_both_sides_have_verified_it()
    {
        Assert.Equal(Welcome.Register, ClerkSync.Decide(Ada, null, wasHere: false, Noon).Answer);
        Assert.Equal(Welcome.Link, ClerkSync.Decide(Ada, Here, wasHere: false, Noon).Answer);
        Assert.Equal("address_taken", ClerkSync.Decide(Ada with { EmailVerified = false }, Here, wasHere: false, Noon).Refusal!.Code);
        Assert.Equal("address_taken", ClerkSync.Decide(Ada, Here with { EmailVerified = false }, wasHere: false, Noon).Refusal!.Code);
        Assert.Equal(ProviderRefusals.Banned, ClerkSync.Decide(Ada, Here with { Banned = true }, wasHere: false, Noon).Refusal);
        Assert.Equal("id_in_use", ClerkSync.Decide(Ada, null, wasHere: true, Noon).Refusal!.Code);
    }

    [Fact]
    public void A_lock_is_a_ban_until_it_ends()
    {
        var locked = Ada with { Locked = true, LockedFor = TimeSpan.FromHours(1) };
        Assert.Equal(new UserBanned("u1", ClerkChanges.Locked, Noon.AddHours(1), Noon), ClerkChanges.BanOf(Here, locked, Noon));
        Assert.Null(ClerkChanges.BanOf(Here with { Banned = true, BanReason = ClerkChanges.Locked, BanExpires = Noon.AddHours(1) }, locked, Noon));
        Assert.Null(ClerkChanges.BanOf(Here with { Banned = true, BanReason = "spam" }, Ada with { Banned = true }, Noon));
        Assert.Equal(
            new UserBanned("u1", ClerkChanges.Banned, null, Noon),
            ClerkChanges.BanOf(Here with { Banned = true, BanReason = ClerkChanges.Locked, BanExpires = Noon.AddHours(1) }, locked with { Banned = true }, Noon));
    }

    [Theory]
    [InlineData("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", true)]
    [InlineData("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", true)]
    [InlineData("whsec_", false)]
    [InlineData("whsec_c2hvcnQ=", false)]
    [InlineData("whsec_not base64!", false)]
    public void A_secret_is_base64_of_sixteen_bytes_at_least(string secret, bool isGood) =>
        Assert.Equal(isGood, new ClerkOptionsValidation().Validate(null, new ClerkOptions { WebhookSecret = secret }).Succeeded);
}
