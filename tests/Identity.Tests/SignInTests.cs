using System.Text.Json;
using Microsoft.Extensions.DependencyInjection;
using Modular.Store;
using Modular.Testing;

namespace Modular.Identity.Tests;

public sealed class SignInTests
{
    private static readonly DateTimeOffset Noon = new(2026, 1, 1, 12, 0, 0, TimeSpan.Zero);
    private static readonly User Ada = new("ada", "Ada", "ada@example.com", EmailVerified: true, null, Noon, Noon, "user");
    private static readonly Attempt Right = new(Ada, Account.Credential("ada", "hash", Noon), new PasswordMatch(IsRight: true, IsOutdated: false));

    [Fact]
    public void The_right_password_is_let_in() => Assert.Null(PasswordSignIn.Decide(Right, requireVerification: true, SignIn.WrongCredentials, Noon));

    [Fact]
    public void Whoever_does_not_know_the_password_learns_nothing()
    {
        var banned = Ada with { EmailVerified = false, Banned = true };
        var wrong = Right with { Match = default };
        Attempt[] attempts =
        [
            new(null, null, default), wrong with { Account = null }, wrong with { Account = Right.Account! with { Password = null } }, wrong,
            wrong with { User = banned },
        ];
        Assert.Equal(
            ["unknown_address", "no_password", "no_password", "wrong_password", "wrong_password"],
            attempts.Select(attempt => PasswordSignIn.Decide(attempt, requireVerification: true, SignIn.WrongCredentials, Noon)!.Reason));
        Assert.All(attempts, attempt => Assert.Same(SignIn.WrongCredentials, PasswordSignIn.Decide(attempt, requireVerification: true, SignIn.WrongCredentials, Noon)!.Refusal));
    }

    [Fact]
    public void An_unverified_address_matters_only_where_verification_is_required()
    {
        var unverified = Right with { User = Ada with { EmailVerified = false } };
        Assert.Equal(new Denial(PasswordSignIn.NotVerified, "email_not_verified"), PasswordSignIn.Decide(unverified, requireVerification: true, SignIn.WrongCredentials, Noon));
        Assert.Null(PasswordSignIn.Decide(unverified, requireVerification: false, SignIn.WrongCredentials, Noon));
    }

    [Fact]
    public void A_ban_holds_until_the_instant_it_ends()
    {
        Attempt Banned(DateTimeOffset? until) => Right with { User = Ada with { Banned = true, BanExpires = until } };
        Assert.Equal(new Denial(Admission.Banned, "banned"), PasswordSignIn.Decide(Banned(null), requireVerification: false, SignIn.WrongCredentials, Noon));
        Assert.NotNull(PasswordSignIn.Decide(Banned(Noon.AddTicks(1)), requireVerification: false, SignIn.WrongCredentials, Noon));
        Assert.Null(PasswordSignIn.Decide(Banned(Noon), requireVerification: false, SignIn.WrongCredentials, Noon));
    }
}

public sealed class SignInOverHttp(App app) : IClassFixture<App>
{
    [Fact]
    public async Task Signing_in_answers_redirect_false_the_token_and_the_user()
    {
        var ada = await app.SignedUp();
        var result = await app.SignIn(ada.Email.ToUpperInvariant());
        Assert.Equal(["redirect", "token", "user"], result.Json().EnumerateObject().Select(member => member.Name));
        Assert.False(result.Json().GetProperty("redirect").GetBoolean());
        Assert.Equal(ada.Answer.GetProperty("user").GetRawText(), result.Json().GetProperty("user").GetRawText());
        var cookie = Assert.Single(result.SetCookies);
        Assert.Contains("Max-Age=28800", cookie, StringComparison.Ordinal);
        Assert.NotEqual(ada.Answer.GetProperty("token").GetString(), result.Json().GetProperty("token").GetString());
        Assert.Equal(2, await app.Count("select count(*) from sessions.mt_doc_session where user_id = $1", ada.Id));
    }

    [Fact]
    public async Task A_callback_is_an_instruction_in_the_body_and_a_header()
    {
        var ada = await app.SignedUp();
        var result = await app.Post("/api/auth/sign-in/email", new() { ["email"] = ada.Email, ["password"] = People.Password, ["callbackURL"] = "/dash?x=1" });
        Assert.Equal(["redirect", "token", "url", "user"], result.Json().EnumerateObject().Select(member => member.Name));
        Assert.True(result.Json().GetProperty("redirect").GetBoolean());
        Assert.Equal(("/dash?x=1", "/dash?x=1"), (result.Json().GetProperty("url").GetString(), result.Header("Location")));
    }

    [Fact]
    public async Task A_form_is_accepted_and_rememberMe_false_ends_with_the_browser()
    {
        var ada = await app.SignedUp();
        await app.Scenario(_ => _.Post.FormData(new() { ["email"] = ada.Email, ["password"] = People.Password }).ToUrl("/api/auth/sign-in/email"));
        var result = await app.Post("/api/auth/sign-in/email", new() { ["email"] = ada.Email, ["password"] = People.Password, ["rememberMe"] = false });
        Assert.Equal(2, result.SetCookies.Count);
        Assert.All(result.SetCookies, cookie => Assert.DoesNotContain("Max-Age", cookie, StringComparison.Ordinal));
    }

    [Fact]
    public async Task Every_wrong_attempt_gets_the_same_answer_for_the_same_work()
    {
        var known = await app.SignedUp();
        var banned = await Banned(until: null);
        var passwordless = await app.SignedUp();
        await app.Sql("delete from identity.mt_doc_account where user_id = $1", passwordless.Id);

        var visible = new HashSet<string>();
        var work = new HashSet<long>();
        foreach (var address in (string[])[known.Email, banned.Email, passwordless.Email, People.NewAddress()])
        {
            var before = app.Passwords().Operations;
            var result = await app.SignIn(address, "wrong-wrong", 401);
            work.Add(app.Passwords().Operations - before);
            var headers = result.Response.Headers.Where(header => header.Key != "Date").Select(header => $"{header.Key}: {string.Join(',', header.Value)}");
            visible.Add($"{result.Status} {string.Join('\n', headers)} {result.Body}");
        }

        Assert.Contains(People.WrongCredentials, Assert.Single(visible), StringComparison.Ordinal);
        Assert.Equal(1, Assert.Single(work));
    }

    [Fact]
    public async Task A_failure_is_an_event_about_the_user_whose_address_it_was()
    {
        var ada = await app.SignedUp();
        await app.SignIn(ada.Email, "wrong-wrong", 401);
        await app.SignIn(ada.Email, "wrong-again", 401);
        Assert.Equal(["wrong_password", "wrong_password"], await Reasons(ada));
        var entry = await Entry("userId", ada.Id);
        Assert.Equal(
            ("refused", "wrong_password", ada.Id, null),
            (entry.GetProperty("outcome").GetString(), entry.GetProperty("reason").GetString(), entry.GetProperty("subject").GetString(),
                entry.GetProperty("actor").GetString()));
    }

    [Fact]
    public async Task Of_an_address_that_is_nobodys_the_log_keeps_a_keyed_hash()
    {
        var address = People.NewAddress();
        await app.SignIn(address, "wrong-wrong", 401);
        var hash = app.Services.GetRequiredService<AddressHash>().Of(address);
        var entry = await Entry("addressHash", hash);
        Assert.Equal("unknown_address", entry.GetProperty("reason").GetString());
        Assert.Equal(hash, entry.GetProperty("data").GetProperty("addressHash").GetString());
        Assert.Equal(0, await app.Count("select count(*) from identity.mt_events where convert_from(canonical, 'UTF8') like '%' || $1 || '%'", address));
    }

    [Fact]
    public async Task Fifty_wrong_guesses_at_once_are_fifty_events()
    {
        var ada = await app.SignedUp();
        await Task.WhenAll(Enumerable.Range(0, 50).Select(_ => app.SignIn(ada.Email, "wrong-wrong", 401)));
        Assert.Equal(Enumerable.Repeat("wrong_password", 50), await Reasons(ada));
    }

    [Fact]
    public async Task A_sign_in_names_its_actor()
    {
        var ada = await app.SignedUp();
        await app.SignIn(ada.Email);
        Assert.Equal(2, await app.Count(
            "select count(*) from sessions.mt_events where convert_from(canonical, 'UTF8')::jsonb ->> 'actor' = $1 "
            + "and convert_from(canonical, 'UTF8')::jsonb ->> 'session' = stream_id", ada.Id));
    }

    [Fact]
    public async Task Only_the_right_password_learns_of_a_ban()
    {
        var ada = await Banned(until: null);
        Assert.Equal(People.WrongCredentials, (await app.SignIn(ada.Email, "wrong-wrong", 401)).Body);
        var result = await app.SignIn(ada.Email, status: 403);
        Assert.Equal(
            """{"message":"You have been banned from this application. Please contact support if you believe this is an error.","code":"BANNED_USER"}""",
            result.Body);
        Assert.Empty(result.SetCookies);
        Assert.Equal(["wrong_password", "banned"], await Reasons(ada));
    }

    [Fact]
    public async Task A_ban_that_is_over_is_lifted_by_signing_in()
    {
        var ada = await Banned(until: DateTimeOffset.UtcNow.AddSeconds(-1));
        var result = await app.SignIn(ada.Email);
        Assert.False(result.Json().GetProperty("user").GetProperty("banned").GetBoolean());
        Assert.Equal(["user.registered.1", "user.banned.1", "user.unbanned.1"], await app.EventsOf(ada.Id));
        Assert.Equal([false, null, null], (await app.Sql("select banned, ban_reason, ban_expires from identity.session_principal where id = $1", ada.Id))[0]);
    }

    [Theory]
    [InlineData("$pbkdf2-sha512$i=1$c2FsdHNhbHRzYWx0c2FsdA==$zMa9LL9XW9NEyc9UKHf8bpNyy/Hx4d85LGz19gOLtXQ4NK7qbwImxKJXu7q+fBhdF5majSti2Ju4PSQnO4oyKQ==", "password")]
    [InlineData("000102030405060708090a0b0c0d0e0f:1ed8675e3ed33a9a1516d58d259e92636e3cffdef15736f5f45d60744930fd6360fc013eaca990edf470150429dd2c6ab253de43b86af1afa91beea5ecf756f6", "p\u00e4ssw\u00f6rd fine \u00c5")]
    public async Task An_old_hash_is_made_again_when_its_password_is_known(string old, string password)
    {
        var ada = await app.SignedUp();
        await app.Sql("update identity.mt_doc_account set data = data || jsonb_build_object('password', $2::text) where user_id = $1", ada.Id, old);
        await app.SignIn(ada.Email, "wrong-wrong", 401);
        Assert.Equal(old, await Stored(ada));
        await app.SignIn(ada.Email, password);
        var renewed = await Stored(ada);
        Assert.StartsWith("$pbkdf2-sha512$i=1000$", renewed, StringComparison.Ordinal);
        await app.SignIn(ada.Email, password);
        Assert.Equal(renewed, await Stored(ada));
    }

    [Fact]
    public async Task Passwords_that_no_sign_up_takes_are_merely_wrong()
    {
        var ada = await app.SignedUp();
        foreach (var password in (string[])["", "x", new string('x', 129)])
            Assert.Equal(People.WrongCredentials, (await app.SignIn(ada.Email, password, 401)).Body);
    }

    [Theory]
    [InlineData("""{"email":"ghost","password":"x"}""", """{"message":"Invalid email","code":"INVALID_EMAIL"}""")]
    [InlineData("""{"email":"ghost"}""", """{"message":"[body.password] Invalid input: expected string, received undefined","code":"VALIDATION_ERROR"}""")]
    [InlineData("""{"email":1,"password":[]}""", """{"message":"[body.email] Invalid input: expected string, received number; [body.password] Invalid input: expected string, received array","code":"VALIDATION_ERROR"}""")]
    [InlineData("[1]", """{"message":"[body] Invalid input: expected object, received array","code":"VALIDATION_ERROR"}""")]
    public async Task What_is_malformed_is_400(string body, string answer)
    {
        var result = await app.Scenario(_ =>
        {
            _.Post.RawJson(body).ToUrl("/api/auth/sign-in/email");
            _.StatusCodeShouldBe(400);
        });
        Assert.Equal(answer, result.Body);
    }

    private async Task<Person> Banned(DateTimeOffset? until)
    {
        var person = await app.SignedUp();
        await using var session = app.Services.GetRequiredService<IDocumentStore>().LightweightSession();
        session.Events.Append(person.Id, new UserBanned(person.Id, "spam", until, DateTimeOffset.UtcNow));
        await session.SaveChangesAsync();
        return person;
    }

    private async Task<string> Stored(Person person) =>
        (string)(await app.Sql("select data ->> 'password' from identity.mt_doc_account where user_id = $1", person.Id))[0][0]!;

    private async Task<IEnumerable<string>> Reasons(Person person) => (await app.Sql(
        "select data ->> 'reason' from identity.mt_events where type = 'sign_in.failed.1' and data ->> 'userId' = $1 order by seq_id", person.Id))
        .Select(row => (string)row[0]!);

    private async Task<JsonElement> Entry(string member, string value) => JsonDocument.Parse((string)(await app.Sql(
        "select convert_from(canonical, 'UTF8') from identity.mt_events where type = 'sign_in.failed.1' and data ->> $1 = $2 limit 1", member, value))
        [0][0]!).RootElement;
}
