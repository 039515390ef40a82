using Modular.Testing;

namespace Modular.Identity.Tests;

public sealed class UsernameTests
{
    [Theory]
    [InlineData("ada", null)]
    [InlineData("Ada.Lovelace_1815", null)]
    [InlineData("a!", "USERNAME_TOO_SHORT")]
    [InlineData("ab", "USERNAME_TOO_SHORT")]
    [InlineData("a b c", "INVALID_USERNAME")]
    [InlineData("ada\n", "INVALID_USERNAME")]
    [InlineData("ädä", "INVALID_USERNAME")]
    [InlineData("abcdefghijklmnopqrstuvwxyzabcd", null)]
    [InlineData("abcdefghijklmnopqrstuvwxyzabcde", "USERNAME_TOO_LONG")]
    public void It_has_three_to_thirty_letters_digits_dots_and_underscores(string name, string? code) =>
        Assert.Equal(code, Username.RefuseName(name)?.Code);

    [Fact]
    public void At_a_sign_up_each_of_the_two_names_stands_in_for_the_other()
    {
        Assert.Equal(new Username("Ada_L", "Ada_L"), new Username("Ada_L", null).ForNewUser());
        Assert.Equal(new Username("Ada_L", "The Countess"), new Username("Ada_L", "The Countess").ForNewUser());
        Assert.Equal(new Username("Countess", "Countess"), new Username(null, "Countess").ForNewUser());
        Assert.Equal(new Username(null, "The Countess"), new Username(null, "The Countess").ForNewUser());
        Assert.Equal("ada_l", new Username("Ada_L", null).Key);
    }
}

public sealed class UsernameOverHttp(App app) : IClassFixture<App>
{
    private const string Taken = """{"message":"Username is already taken. Please try another.","code":"USERNAME_IS_ALREADY_TAKEN"}""";

    private static int made;

    private static string NewName() => $"Ada_{Interlocked.Increment(ref made)}";

    [Fact]
    public async Task Who_signs_up_with_a_username_signs_in_with_it_in_any_case()
    {
        var name = NewName();
        var ada = await app.SignedUp(("username", name));
        Assert.Equal(name.ToLowerInvariant(), ada.Answer.GetProperty("user").GetProperty("username").GetString());
        Assert.Equal(name, ada.Answer.GetProperty("user").GetProperty("displayUsername").GetString());

        var signedIn = await SignIn(name.ToUpperInvariant(), People.Password);

        Assert.Equal(ada.Id, signedIn.Json().GetProperty("user").GetProperty("id").GetString());
        Assert.Contains(signedIn.SetCookies, cookie => cookie.StartsWith("better-auth.session_token=", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_wrong_password_and_an_unknown_username_are_answered_alike_and_recorded()
    {
        var name = NewName();
        var ada = await app.SignedUp(("username", name));
        const string Wrong = """{"message":"Invalid username or password","code":"INVALID_USERNAME_OR_PASSWORD"}""";

        Assert.Equal(Wrong, (await SignIn(name, "wrong-horse-1", 401)).Body);
        Assert.Equal(Wrong, (await SignIn("nobody_" + name, People.Password, 401)).Body);
        Assert.Equal(Wrong, (await SignIn("", People.Password, 401)).Body);

        Assert.Equal(["wrong_password"], await app.Reasons("sign_in.failed.1", ada.Id));
    }

    [Fact]
    public async Task A_banned_user_is_told_so_only_with_the_right_password()
    {
        var name = NewName();
        var ada = await app.SignedUp(("username", name));
        await app.Sql(
            "update identity.mt_doc_user set banned = true, data = data || '{\"banned\":true}' where id = $1", ada.Id);
        Assert.Equal("BANNED_USER", (await SignIn(name, People.Password, 403)).Json().GetProperty("code").GetString());
        await SignIn(name, "wrong-horse-1", 401);
    }

    [Theory]
    [InlineData("ab", "USERNAME_TOO_SHORT")]
    [InlineData("a b c", "INVALID_USERNAME")]
    public async Task A_malformed_username_is_422_when_asked_about_and_400_when_chosen(string name, string code)
    {
        Assert.Equal(code, Code(await SignIn(name, People.Password, 422)));
        Assert.Equal(code, Code(await app.Post("/api/auth/is-username-available", new() { ["username"] = name }, 422)));
        Assert.Equal(code, Code(await app.SignUp(People.SigningUp(("username", name)), 400)));
    }

    [Fact]
    public async Task A_taken_username_is_refused_and_a_free_one_is_available()
    {
        var name = NewName();
        Assert.Equal("""{"available":true}""", (await IsAvailable(name)).Body);
        var ada = await app.SignedUp(("username", name));
        Assert.Equal("""{"available":false}""", (await IsAvailable(name.ToUpperInvariant())).Body);
        Assert.Equal(Taken, (await app.SignUp(People.SigningUp(("username", name)), 400)).Body);

        var bob = await app.SignedUp();
        Assert.Equal(Taken, (await Update(bob, 400, ("username", name))).Body);
        // One's own may be written otherwise.
        await Update(ada, 200, ("username", name.ToUpperInvariant()), ("displayUsername", "The Countess"));
        var row = Assert.Single(await app.Sql("select username, display_username from identity.session_principal where id = $1", ada.Id));
        Assert.Equal([name.ToLowerInvariant(), "The Countess"], row);
    }

    [Fact]
    public async Task Of_fifty_who_want_one_username_at_once_one_gets_it()
    {
        var name = NewName();
        var answers = await Task.WhenAll(Enumerable.Range(0, 50).Select(_ => app.Scenario(_ =>
        {
            _.Post.Json(People.SigningUp(("username", name))).ToUrl("/api/auth/sign-up/email");
            _.IgnoreStatusCode();
        })));
        Assert.Single(answers, answer => answer.Status == 200);
        Assert.All(answers.Where(answer => answer.Status != 200), answer => Assert.Equal(Taken, answer.Body));
        Assert.Equal(1, await app.Count("select count(*) from identity.mt_doc_user where username = $1", name.ToLowerInvariant()));
    }

    [Fact]
    public async Task A_username_is_personal_and_gone_with_its_user()
    {
        var name = NewName();
        var ada = await app.SignedUp(("username", name));
        await app.Scenario(_ => _.As(ada.Browser).Post.Json(new { password = People.Password }).ToUrl("/api/auth/delete-user"));
        await app.Settled();
        Assert.Equal("""{"available":true}""", (await IsAvailable(name)).Body);
        Assert.Equal(0, await app.Count(
            "select count(*) from identity.mt_events where data::text like '%' || $1 || '%' or encode(canonical, 'escape') like '%' || $1 || '%'", name.ToLowerInvariant()));
    }

    private static string Code(ScenarioResult result) => result.Json().GetProperty("code").GetString()!;

    private Task<ScenarioResult> SignIn(string name, string password, int status = 200) =>
        app.Post("/api/auth/sign-in/username", new() { ["username"] = name, ["password"] = password }, status);

    private Task<ScenarioResult> IsAvailable(string name) => app.Post("/api/auth/is-username-available", new() { ["username"] = name });

    private Task<ScenarioResult> Update(Person person, int status, params (string Name, object? Value)[] changes) => app.Scenario(_ =>
    {
        _.As(person.Browser).Post.Json(changes.ToDictionary(change => change.Name, change => change.Value)).ToUrl("/api/auth/update-user");
        _.StatusCodeShouldBe(status);
    });
}

public sealed class UsernameGuesses(GuessLimitTests.Server app) : IClassFixture<GuessLimitTests.Server>
{
    [Fact]
    public async Task Guesses_by_username_and_by_address_are_of_one_account()
    {
        var ada = await app.SignedUp(("username", "ada_l"));
        Assert.Equal(401, await Guess("/api/auth/sign-in/username", ("username", "ada_l")));
        Assert.Equal(401, await Guess("/api/auth/sign-in/email", ("email", ada.Email)));
        Assert.Equal(401, await Guess("/api/auth/sign-in/username", ("username", "ADA_L")));
        Assert.Equal(429, await Guess("/api/auth/sign-in/username", ("username", "ada_l")));
        Assert.Equal(429, await Guess("/api/auth/sign-in/email", ("email", ada.Email)));
    }

    [Fact]
    public async Task An_unknown_username_has_to_wait_as_a_known_one_does()
    {
        for (var guess = 0; guess < 3; guess++)
            Assert.Equal(401, await Guess("/api/auth/sign-in/username", ("username", "nobody")));
        Assert.Equal(429, await Guess("/api/auth/sign-in/username", ("username", "nobody")));
    }

    private async Task<int> Guess(string path, (string Name, string Value) who)
    {
        var result = await app.Scenario(_ =>
        {
            _.WithRequestHeader("X-Forwarded-For", "198.51.100.7");
            _.Post.Json(new Dictionary<string, object?> { [who.Name] = who.Value, ["password"] = "wrong-horse-1" }).ToUrl(path);
            _.IgnoreStatusCode();
        });
        return result.Status;
    }
}

/// <summary>Where nobody may learn who is registered.</summary>
public sealed class VerifyingApp() : App(new() { ["Auth:RequireEmailVerification"] = "true" });

public sealed class UsernameUntold(VerifyingApp app) : IClassFixture<VerifyingApp>
{
    [Fact]
    public async Task A_username_tells_nothing_about_the_address_it_was_wished_with()
    {
        var email = People.NewAddress();
        await app.SignUp(People.SigningUp(("email", email), ("username", "first_one")));

        var free = await app.SignUp(People.SigningUp(("username", "second_one")));
        var taken = await app.SignUp(People.SigningUp(("email", email), ("username", "third_one")));

        Assert.Equal("third_one", taken.Json().GetProperty("user").GetProperty("username").GetString());
        Assert.Equal(
            free.Json().GetProperty("user").EnumerateObject().Select(member => member.Name),
            taken.Json().GetProperty("user").EnumerateObject().Select(member => member.Name));
        foreach (var name in (string[])["first_one", "second_one", "third_one"])
            Assert.Equal("""{"available":false}""", (await app.Post("/api/auth/is-username-available", new() { ["username"] = name })).Body);
    }
}

public sealed class NoUsernames() : App(new() { ["Auth:Groups:username"] = "false" });

public sealed class UsernamesOff(NoUsernames app) : IClassFixture<NoUsernames>
{
    [Fact]
    public async Task Switched_off_the_routes_are_unknown_and_the_members_ignored()
    {
        Assert.Equal("", (await app.Post("/api/auth/sign-in/username", new() { ["username"] = "ada", ["password"] = "x" }, 404)).Body);
        Assert.Equal("", (await app.Post("/api/auth/is-username-available", new() { ["username"] = "ada" }, 404)).Body);
        var ada = await app.SignedUp(("username", "!"));
        Assert.Equal(System.Text.Json.JsonValueKind.Null, ada.Answer.GetProperty("user").GetProperty("username").ValueKind);
    }
}
