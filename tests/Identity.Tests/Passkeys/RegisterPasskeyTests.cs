using System.Text.Json;
using Modular.Testing;

namespace Modular.Identity.Tests;

public sealed class RegisterPasskeyTests(App app) : IClassFixture<App>
{
    [Fact]
    public async Task A_passkey_is_registered_listed_and_told_to_its_user()
    {
        using var key = new SoftAuthenticator();
        var ada = await app.SignedUp();
        var made = await app.RegisterKey(ada.Browser, key, more: ("name", "  laptop "));
        var (id, at) = (made.Json().GetProperty("id").GetString()!, made.Json().GetProperty("createdAt").GetString()!);
        Assert.Equal(
            $$"""{"name":"laptop","publicKey":"{{key.PublicKey}}","userId":"{{ada.Id}}","credentialID":"{{key.IdText}}","counter":0,"deviceType":"singleDevice","backedUp":false,"transports":"internal,hybrid","createdAt":"{{at}}","aaguid":"{{SoftAuthenticator.Aaguid}}","id":"{{id}}"}""",
            made.Body);
        Assert.Empty(made.SetCookies);
        Assert.Equal($"[{made.Body}]", (await app.PasskeysOf(ada.Browser)).GetRawText());
        Assert.Equal(["passkey.added.1"], await app.EventsOf($"passkey:{id}"));
        Assert.Equal(
            "A passkey was added to your account at 127.0.0.1",
            Assert.Single(await app.MailsTo(ada.Email), mail => mail.Subject().Contains("passkey", StringComparison.Ordinal)).Subject());
        Assert.Empty((await app.PasskeysOf((await app.SignedUp()).Browser)).EnumerateArray());
    }

    [Fact]
    public async Task One_that_may_be_on_several_devices_says_so()
    {
        using var key = new SoftAuthenticator { Counter = uint.MaxValue };
        var ada = await app.SignedUp();
        var made = (await app.RegisterKey(ada.Browser, key, truth => truth with
        {
            Flags = AuthenticatorFlags.UserPresent | AuthenticatorFlags.BackupEligible | AuthenticatorFlags.BackedUp,
            Transports = ["usb", null, "smart-card", "<script>", new string('a', 40)],
        })).Json();
        Assert.Equal(
            ("multiDevice", true, uint.MaxValue, "usb,smart-card", JsonValueKind.Null),
            (made.GetProperty("deviceType").GetString(), made.GetProperty("backedUp").GetBoolean(), made.GetProperty("counter").GetUInt32(),
                made.GetProperty("transports").GetString(), made.GetProperty("name").ValueKind));
    }

    [Fact]
    public async Task With_a_session_wanted_there_is_a_new_one_in_the_place_of_the_browsers_old_one()
    {
        using var key = new SoftAuthenticator();
        var ada = await app.SignedUp();
        var made = await app.RegisterKey(ada.Browser, key, more: ("createSession", true));
        var session = made.Json().GetProperty("session");
        Assert.Equal((ada.Id, key.IdText), (session.GetProperty("userId").GetString(), made.Json().GetProperty("credentialID").GetString()));
        Assert.Equal(ada.Email, made.Json().GetProperty("user").GetProperty("email").GetString());
        Assert.StartsWith(session.GetProperty("token").GetString()!, ada.Browser.Cookies["better-auth.session_token"], StringComparison.Ordinal);
        Assert.Equal(1, await app.Count("select count(*) from sessions.mt_doc_session where user_id = $1", ada.Id));
    }

    public static TheoryData<string> Lies => ["origin", "app of another origin", "iframe", "domain", "type", "challenge", "absent user", "backup"];

    [Theory]
    [MemberData(nameof(Lies))]
    public async Task What_an_authenticator_says_has_to_be_so_here_and_now(string what)
    {
        using var key = new SoftAuthenticator();
        var ada = await app.SignedUp();
        var answer = await app.RegisterKey(ada.Browser, key, truth => Lie(truth, what), 400);
        Assert.Equal(PasskeyUse.RegistrationFailed, answer.Body);
        Assert.Empty((await app.PasskeysOf(ada.Browser)).EnumerateArray());
        Assert.Equal(["register not_verified"], await app.PasskeysRefused(ada.Id));
    }

    internal static Claims Lie(Claims truth, string what) => what switch
    {
        "origin" => truth with { Origin = "https://evil.example" },
        "app of another origin" => truth with { Origin = "android:apk-key-hash:x" },
        "iframe" => truth with { CrossOrigin = true },
        "domain" => truth with { RpId = "evil.example" },
        "type" => truth with { Type = "payment.get" },
        "challenge" => truth with { Challenge = "bm90IGl0" },
        "absent user" => truth with { Flags = AuthenticatorFlags.UserVerified },
        _ => truth with { Flags = AuthenticatorFlags.UserPresent | AuthenticatorFlags.BackedUp },
    };

    [Theory]
    [InlineData(SoftAuthenticator.Rs256, 2048, 200)]
    [InlineData(SoftAuthenticator.Rs256, 1024, 400)]
    [InlineData(SoftAuthenticator.EdDsa, 2048, 400)]
    public async Task Other_keys_are_taken_where_they_are_strong_and_can_be_verified(int algorithm, int bits, int status)
    {
        using var key = new SoftAuthenticator(algorithm, bits);
        var ada = await app.SignedUp();
        await app.RegisterKey(ada.Browser, key, status: status);
        if (status == 200)
            await app.SignInWith(app.Browser(), key);
    }

    [Theory]
    [InlineData("{}")]
    [InlineData("""{"id":"AA","type":"public-key","response":{}}""")]
    [InlineData("""{"id":"AA","id":"BB","type":"public-key","response":{"clientDataJSON":"e30","attestationObject":"oA"}}""")]
    [InlineData("""{"id":"AA","type":"public-key","response":{"clientDataJSON":"e30","attestationObject":"____"}}""")]
    public async Task Nonsense_is_refused_like_a_lie_and_uses_the_challenge_up(string response)
    {
        var ada = await app.SignedUp();
        await app.Registering(ada.Browser);
        foreach (var expected in (string[])[PasskeyUse.RegistrationFailed, PasskeyUse.ChallengeNotFound])
        {
            await app.Scenario(_ =>
            {
                _.As(ada.Browser).Post.RawJson($$"""{"response":{{response}}}""").ToUrl("/api/auth/passkey/verify-registration");
                _.StatusCodeShouldBe(400);
                _.ContentShouldBe(expected);
            });
        }
    }

    [Fact]
    public async Task A_challenge_is_of_its_user_its_ceremony_and_five_minutes()
    {
        using var key = new SoftAuthenticator();
        var (ada, eve) = (await app.SignedUp(), await app.SignedUp());

        var options = await app.Registering(ada.Browser);
        eve.Browser.Put(PasskeyUse.ChallengeCookie, ada.Browser.Cookies[PasskeyUse.ChallengeCookie]);
        var foreign = await app.Bring(eve.Browser, "registration", key.Attest(options, app.Truth()), 401);
        Assert.Equal("""{"message":"You are not allowed to register this passkey","code":"YOU_ARE_NOT_ALLOWED_TO_REGISTER_THIS_PASSKEY"}""", foreign.Body);
        Assert.Equal(["register challenge_of_another_user"], await app.PasskeysRefused(eve.Id));

        // Used up by that.
        Assert.Equal(PasskeyUse.ChallengeNotFound, (await app.Bring(ada.Browser, "registration", key.Attest(options, app.Truth()), 400)).Body);

        await app.SigningIn(ada.Browser);
        Assert.Equal(PasskeyUse.ChallengeNotFound, (await app.Bring(ada.Browser, "registration", key.Attest(options, app.Truth()), 400)).Body);

        var late = await app.Registering(ada.Browser);
        app.Clock.Advance(TimeSpan.FromMinutes(5));
        Assert.Equal(PasskeyUse.ChallengeNotFound, (await app.Bring(ada.Browser, "registration", key.Attest(late, app.Truth()), 400)).Body);
        Assert.Empty((await app.PasskeysOf(ada.Browser)).EnumerateArray());
    }

    [Fact]
    public async Task Of_fifty_uses_of_one_answer_one_wins()
    {
        using var key = new SoftAuthenticator();
        var ada = await app.SignedUp();
        var response = key.Attest(await app.Registering(ada.Browser), app.Truth());
        var answers = await Task.WhenAll(Enumerable.Range(0, 50).Select(_ => app.Bring(ada.Browser, "registration", response, null)));
        Assert.Single(answers, answer => answer.Status == 200);
        Assert.All(answers.Where(answer => answer.Status != 200), answer => Assert.Equal(PasskeyUse.ChallengeNotFound, answer.Body));
        Assert.Equal(1, await app.Count("select count(*) from identity.mt_doc_passkey where user_id = $1", ada.Id));
    }

    [Fact]
    public async Task A_key_belongs_to_one_user_whoever_else_brings_it()
    {
        using var key = new SoftAuthenticator();
        var (ada, eve) = (await app.SignedUp(), await app.SignedUp());
        await app.RegisterKey(ada.Browser, key);
        const string Known = """{"message":"Previously registered","code":"PREVIOUSLY_REGISTERED"}""";
        Assert.Equal(Known, (await app.RegisterKey(ada.Browser, key, status: 400)).Body);
        Assert.Equal(Known, (await app.RegisterKey(eve.Browser, key, status: 400)).Body);
        Assert.Equal(["register already_registered"], await app.PasskeysRefused(eve.Id));

        // At the same moment, where only the index can tell.
        using var other = new SoftAuthenticator();
        var people = await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => app.SignedUp()));
        var answers = await Task.WhenAll(people.Select(person => app.RegisterKey(person.Browser, other, status: null)));
        Assert.Single(answers, answer => answer.Status == 200);
        Assert.All(answers.Where(answer => answer.Status != 200), answer => Assert.Equal(Known, answer.Body));
        foreach (var (person, answer) in people.Zip(answers))
            Assert.Equal(answer.Status == 200 ? [] : ["register already_registered"], await app.PasskeysRefused(person.Id));
    }

    [Fact]
    public async Task Nobody_has_more_than_fifty_however_many_are_made_at_once_on_two_nodes()
    {
        var (ada, other) = (await app.SignedUp(), await app.AnotherNode());
        try
        {
            await app.Sql(
                """
                insert into identity.mt_doc_passkey (id, data, mt_last_modified, mt_version, user_id, credential_id, counter)
                select 'old' || n || $1, jsonb_build_object('id', 'old' || n || $1, 'userId', $1::text, 'credentialId', 'AAAA', 'publicKey', 'AAAA', 'counter', 0,
                    'isSynced', false, 'backedUp', false, 'transports', '', 'aaguid', '', 'createdAt', '2026-01-01T00:00:00Z'), now(), 1, $1, 'old' || n || $1, 0
                from generate_series(1, 45) n
                """,
                ada.Id);
            var made = await Task.WhenAll(Enumerable.Range(0, 20).Select(async at =>
            {
                using var key = new SoftAuthenticator();
                var node = at % 2 == 0 ? app : other;
                var browser = new Browser(node.Url);
                browser.Put("better-auth.session_token", ada.Browser.Cookies["better-auth.session_token"]);
                return await node.RegisterKey(browser, key, status: null);
            }));
            Assert.Equal(5, made.Count(answer => answer.Status == 200));
            Assert.All(made.Where(answer => answer.Status != 200), answer => Assert.Contains("PASSKEY_LIMIT_REACHED", answer.Body, StringComparison.Ordinal));
            Assert.Equal(50, await app.Count("select count(*) from identity.mt_doc_passkey where user_id = $1", ada.Id));
        }
        finally
        {
            await other.DisposeAsync();
        }
    }

    [Fact]
    public async Task What_is_brought_is_checked_first()
    {
        var ada = await app.SignedUp();
        async Task<string> Message(object body) => (await app.AskPasskey(app.Browser(), "verify-registration", body, 400)).Json().GetProperty("message").GetString()!;
        Assert.Equal("[body.name] Invalid input: expected string, received number", await Message(new { response = new { }, name = 1 }));
        Assert.Equal("[body.createSession] Invalid input: expected boolean, received string", await Message(new { createSession = "yes" }));
        Assert.Equal("[body.response] Invalid input: expected object, received string", await Message(new { response = "text" }));
        Assert.Equal("[body.response] Too big: expected JSON to have <=32768 characters", await Message(new { response = new { id = new string('x', 33_000) } }));
        Assert.Equal("[body.name] Too big: expected string to have <=2000 bytes", await Message(new { name = new string('x', 2001) }));
        Assert.Equal(PasskeyUse.ChallengeNotFound, (await app.AskPasskey(ada.Browser, "verify-registration", new { response = new { } }, 400)).Body);
        await app.AskPasskey(app.Browser(), "verify-registration", new { response = new { } }, 401);
    }
}
