using System.Text.Json;
using Modular.Testing;

namespace Modular.Identity.Tests;

public sealed class SignUpTests
{
    private static readonly SignUp.Request Valid = new("Ada", "ada@example.com", People.Password, null, null, null, null);

    [Theory]
    [InlineData(0, 500)]
    [InlineData(120, 380)]
    [InlineData(499, 1)]
    [InlineData(500, 500)]
    [InlineData(730, 270)]
    public void An_answer_that_must_not_tell_waits_for_the_next_half_second(int elapsed, int wait) =>
        Assert.Equal(TimeSpan.FromMilliseconds(wait), SignUp.UntilBeat(TimeSpan.FromMilliseconds(elapsed)));

    [Fact]
    public void A_valid_request_is_not_refused() => Assert.Null(SignUp.Forbids(Valid, allowSignUp: true));

    [Fact]
    public void A_closed_server_says_so_first() => Assert.Equal(
        SignUp.Disabled, SignUp.Forbids(Valid with { Password = "short", Unsettable = "role" }, allowSignUp: false));

    [Theory]
    [InlineData(7, "PASSWORD_TOO_SHORT")]
    [InlineData(8, null)]
    [InlineData(128, null)]
    [InlineData(129, "PASSWORD_TOO_LONG")]
    public void A_password_has_8_to_128_characters(int length, string? code) =>
        Assert.Equal(code, SignUp.Forbids(Valid with { Password = new string('x', length) }, allowSignUp: true)?.Code);

    [Fact]
    public void The_length_of_the_password_is_refused_before_a_column() =>
        Assert.Equal(PasswordRules.TooShort, SignUp.Forbids(Valid with { Password = "short", Unsettable = "role" }, allowSignUp: true));
}

public sealed class SignUpOverHttp(App app) : IClassFixture<App>
{
    [Fact]
    public async Task Signing_up_answers_the_user_and_a_token_and_signs_the_browser_in()
    {
        var ada = await app.SignedUp(("name", "Ada Lovelace"), ("image", "https://example.com/ada.png"));
        var user = ada.Answer.GetProperty("user");
        Assert.Equal(
            $$"""{"id":"{{ada.Id}}","name":"Ada Lovelace","email":"{{ada.Email}}","emailVerified":false,"image":"https://example.com/ada.png","createdAt":"{{user.GetProperty("createdAt")}}","updatedAt":"{{user.GetProperty("createdAt")}}","role":"user","banned":false,"banReason":null,"banExpires":null,"twoFactorEnabled":false,"username":null,"displayUsername":null,"isAnonymous":false}""",
            user.GetRawText());
        Assert.Matches("^[0-9a-f]{32}$", ada.Id);
        var cookie = ada.Browser.Cookies["better-auth.session_token"];
        Assert.StartsWith($"{ada.Answer.GetProperty("token")}.", Uri.UnescapeDataString(cookie), StringComparison.Ordinal);
    }

    [Fact]
    public async Task It_leaves_an_event_that_names_its_actor_and_hides_the_person()
    {
        var ada = await app.SignedUp(("name", "Ada Byron"));
        var row = Assert.Single(await app.Sql("select type, data::text, convert_from(canonical, 'UTF8') from identity.mt_events where stream_id = $1", ada.Id));
        Assert.Equal("user.registered.1", row[0]);
        Assert.DoesNotContain("Byron", (string)row[1]!, StringComparison.Ordinal);
        Assert.DoesNotContain(ada.Email, (string)row[1]!, StringComparison.Ordinal);
        var entry = JsonDocument.Parse((string)row[2]!).RootElement;
        Assert.Equal((ada.Id, ada.Id), (entry.GetProperty("actor").GetString(), entry.GetProperty("subject").GetString()));
        Assert.NotNull(entry.GetProperty("session").GetString());
    }

    [Fact]
    public async Task The_password_is_in_the_account_as_a_hash_and_nowhere_else()
    {
        var ada = await app.SignedUp();
        var account = JsonDocument.Parse((string)(await app.Sql(
            "select data::text from identity.mt_doc_account where user_id = $1", ada.Id))[0][0]!).RootElement;
        Assert.Equal("credential", account.GetProperty("providerId").GetString());
        Assert.Equal("local:credential", account.GetProperty("issuer").GetString());
        Assert.Equal(ada.Id, account.GetProperty("accountId").GetString());
        Assert.StartsWith("$pbkdf2-sha512$i=1000$", account.GetProperty("password").GetString(), StringComparison.Ordinal);
        Assert.Equal(0, await app.Count("select count(*) from identity.mt_events where data::text like '%pbkdf2%' or data::text like '%' || $1 || '%'", People.Password));
    }

    [Fact]
    public async Task Its_row_in_users_sync_was_written_by_the_same_transaction()
    {
        var ada = await app.SignedUp(("name", "Ada King"));
        var row = Assert.Single(await app.Sql(
            "select s.name, s.email, s.raw_json ->> 'role', s.created_at = s.updated_at, s.deleted_at, s.xmin::text = e.xact::text "
            + "from neon_auth.users_sync s join identity.mt_events e on e.stream_id = s.id where s.id = $1", ada.Id));
        Assert.Equal(["Ada King", ada.Email, "user", true, null, true], row);
    }

    [Fact]
    public async Task Sessions_see_the_user_through_the_view()
    {
        var ada = await app.SignedUp(("name", "Ada"), ("image", "https://example.com/a.png"));
        var row = Assert.Single(await app.Sql("select * from identity.session_principal where id = $1", ada.Id));
        var created = (DateTime)row[5]!;
        Assert.Equal([ada.Id, "Ada", ada.Email, false, "https://example.com/a.png", created, created, "user", false, null, null, false, null, null, false, null], row);
        Assert.Equal(ada.Answer.GetProperty("user").GetProperty("createdAt").GetDateTime(), created);
    }

    [Fact]
    public async Task An_address_is_kept_in_lower_case()
    {
        var address = People.NewAddress();
        var result = await app.SignUp(People.SigningUp(("email", address.ToUpperInvariant())));
        Assert.Equal(address, result.Json().GetProperty("user").GetProperty("email").GetString());
    }

    [Fact]
    public async Task An_address_that_is_taken_is_refused_in_any_spelling_and_the_refusal_is_recorded()
    {
        var ada = await app.SignedUp();
        var result = await app.SignUp(People.SigningUp(("email", ada.Email.ToUpperInvariant())), status: 422);
        Assert.Equal(People.EmailTaken, result.Body);
        Assert.Empty(result.SetCookies);
        Assert.Equal(1, await app.Count(
            "select count(*) from identity.mt_events where type = 'sign_up.refused.1' and data ->> 'userId' = $1 and data ->> 'reason' = 'email_taken'", ada.Id));
    }

    [Fact]
    public async Task With_rememberMe_false_the_cookies_end_with_the_browser()
    {
        var result = await app.SignUp(People.SigningUp(("rememberMe", false)));
        Assert.Equal(2, result.OwnCookies.Count);
        Assert.All(result.OwnCookies, cookie => Assert.DoesNotContain("Max-Age", cookie, StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_form_is_accepted()
    {
        var address = People.NewAddress();
        var result = await app.Scenario(_ => _.Post
            .FormData(new() { ["name"] = "Ada", ["email"] = address, ["password"] = People.Password }).ToUrl("/api/auth/sign-up/email"));
        Assert.Equal(address, result.Json().GetProperty("user").GetProperty("email").GetString());
    }

    [Fact]
    public async Task Unknown_members_and_those_of_the_server_are_dropped()
    {
        var ada = await app.SignedUp(("nickname", "a"), ("emailVerified", true), ("id", "chosen"), ("createdAt", "2001-01-01T00:00:00.000Z"), ("banned", false));
        var user = ada.Answer.GetProperty("user");
        Assert.False(user.GetProperty("emailVerified").GetBoolean());
        Assert.NotEqual("chosen", ada.Id);
        Assert.True(user.GetProperty("createdAt").GetDateTime().Year > 2001);
    }

    [Theory]
    [InlineData("role", "admin")]
    [InlineData("banned", true)]
    [InlineData("banReason", "none")]
    [InlineData("banExpires", 1)]
    public async Task Columns_that_nobody_sets_are_refused(string column, object value)
    {
        var result = await app.SignUp(People.SigningUp((column, value)), status: 400);
        Assert.Equal($$"""{"message":"{{column}} is not allowed to be set","code":"FIELD_NOT_ALLOWED"}""", result.Body);
    }

    [Theory]
    [InlineData("name", 1, "[body.name] Invalid input: expected string, received number")]
    [InlineData("password", null, "[body.password] Invalid input: expected string, received null")]
    [InlineData("image", 7, "[body.image] Invalid input: expected string, received number")]
    [InlineData("rememberMe", "no", "[body.rememberMe] Invalid input: expected boolean, received string")]
    [InlineData("email", "not-an-email", "[body.email] Invalid email address")]
    public async Task A_wrong_member_is_named(string member, object? value, string message)
    {
        var result = await app.SignUp(People.SigningUp((member, value)), status: 400);
        Assert.Equal($$"""{"message":"{{message}}","code":"VALIDATION_ERROR"}""", result.Body);
    }

    [Theory]
    [InlineData("name", 2001)]
    [InlineData("image", 40_000)]
    public async Task A_text_that_no_event_could_hold_is_refused_and_not_a_fault(string member, int length)
    {
        var result = await app.SignUp(People.SigningUp((member, new string('x', length))), status: 400);
        Assert.StartsWith($$"""{"message":"[body.{{member}}] Too big:""", result.Body, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_longest_texts_of_the_widest_characters_fit() =>
        await app.SignedUp(("name", new string('\u0001', 333)), ("image", string.Concat(Enumerable.Repeat("\u0001", 5461))));

    [Fact]
    public async Task A_refused_request_makes_nobody()
    {
        var body = People.SigningUp(("password", "short"));
        await app.SignUp(body, status: 400);
        body["password"] = People.Password;
        await app.SignUp(body);
    }

    [Fact]
    public async Task The_other_modules_are_told_once()
    {
        var ada = await app.SignedUp();
        await app.Settled();
        Assert.Equal(["profile.opened.1"], (await app.Sql("select type from profiles.mt_events where stream_id = $1", ada.Id)).Select(row => (string)row[0]!));
    }
}

public sealed class SignUpWhereNobodyIsSignedIn(SignUpWhereNobodyIsSignedIn.Server app) : IClassFixture<SignUpWhereNobodyIsSignedIn.Server>
{
    public sealed class Server() : App(new() { ["Auth:RequireEmailVerification"] = "true" });

    [Fact]
    public async Task A_taken_address_is_answered_as_a_free_one_for_the_same_work()
    {
        var passwords = app.Passwords();
        var body = People.SigningUp(("name", "Ada"), ("image", "https://example.com/a.png"));
        var before = passwords.Operations;
        var first = await app.SignUp(body);
        var between = passwords.Operations;
        var second = await app.SignUp(body);
        Assert.Equal(between - before, passwords.Operations - between);

        Assert.Empty(first.SetCookies);
        Assert.Empty(second.SetCookies);
        Assert.Equal(Shape(first.Json()), Shape(second.Json()));
        Assert.NotEqual(first.Json().GetProperty("user").GetProperty("id").GetString(), second.Json().GetProperty("user").GetProperty("id").GetString());
        Assert.Equal(1, await app.Count("select count(*) from identity.mt_doc_user where email = $1", body["email"]!));
        Assert.Equal(0, await app.Count("select count(*) from sessions.mt_events"));

        // Everything but the id and the times.
        static string Shape(JsonElement answer) => System.Text.RegularExpressions.Regex.Replace(
            answer.GetRawText(), "[0-9a-f]{32}|20[0-9-]+T[0-9:.]+Z", "*");
    }

    [Fact]
    public async Task The_right_password_learns_that_the_address_is_not_verified_and_a_wrong_one_does_not()
    {
        var body = People.SigningUp();
        await app.SignUp(body);
        Assert.Equal(People.WrongCredentials, (await app.SignIn((string)body["email"]!, "wrong-wrong", 401)).Body);
        Assert.Equal(
            """{"message":"Email not verified","code":"EMAIL_NOT_VERIFIED"}""", (await app.SignIn((string)body["email"]!, status: 403)).Body);
    }
}

public sealed class SignUpAtAClosedServer(SignUpAtAClosedServer.Server app) : IClassFixture<SignUpAtAClosedServer.Server>
{
    public sealed class Server() : App(new() { ["Auth:AllowSignUp"] = "false" });

    [Fact]
    public async Task Nobody_signs_up()
    {
        var result = await app.SignUp(People.SigningUp(), status: 400);
        Assert.Equal("""{"message":"Email and password sign up is not enabled","code":"EMAIL_PASSWORD_SIGN_UP_DISABLED"}""", result.Body);
        Assert.Equal(0, await app.Count("select count(*) from identity.mt_events"));
    }
}

public sealed class SignUpRace(App app) : IClassFixture<App>
{
    [Fact]
    public async Task Of_fifty_who_sign_up_one_address_at_once_exactly_one_wins_and_the_others_leave_nothing()
    {
        var address = People.NewAddress();
        var answers = await Task.WhenAll(Enumerable.Range(0, 50).Select(i => app.Scenario(_ =>
        {
            _.Post.Json(People.SigningUp(("name", $"Rival {i}"), ("email", address), ("password", $"password-{i}"))).ToUrl("/api/auth/sign-up/email");
            _.IgnoreStatusCode();
        })));

        var winner = Assert.Single(answers, answer => answer.Status == 200);
        Assert.All(answers.Where(answer => answer != winner), answer =>
        {
            Assert.Equal((422, People.EmailTaken), (answer.Status, answer.Body));
            Assert.Empty(answer.SetCookies);
        });
        await app.Settled();

        var id = winner.Json().GetProperty("user").GetProperty("id").GetString()!;
        Assert.Equal([id], await Column("select id from identity.mt_doc_user"));
        Assert.Equal([id], await Column("select user_id from identity.mt_doc_account"));
        Assert.Equal([id], await Column("select id from neon_auth.users_sync"));
        Assert.Equal([id], await Column("select stream_id from identity.mt_events where type = 'user.registered.1'"));
        Assert.Equal([id], await Column("select id from identity.mt_streams where type = 'user'"));
        Assert.Equal([id], await Column("select user_id from sessions.mt_doc_session"));
        Assert.Equal(1, await app.Count("select count(*) from sessions.mt_events"));
        Assert.Equal([id], await Column("select stream_id from profiles.mt_events"));
        Assert.Equal(49, await app.Count("select count(*) from identity.mt_events where type = 'sign_up.refused.1'"));

        // Nobody acted who never was: the losers' refusals have no actor and made no key.
        Assert.Equal(0, await app.Count(
            "select count(*) from identity.mt_events where type = 'sign_up.refused.1' and convert_from(canonical, 'UTF8')::jsonb ->> 'actor' is not null"));
        Assert.Equal([id], await Column("select subject from store.subject_keys where subject not like 'anonymous:%' and subject not like 'address:%'"));
    }

    private async Task<IEnumerable<string>> Column(string sql) => (await app.Sql(sql)).Select(row => (string)row[0]!);
}
