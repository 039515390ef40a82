using Microsoft.Extensions.DependencyInjection;
using Modular.Store;
using Modular.Testing;

namespace Modular.Identity.Tests;

public sealed class GuessLimitOptionsTests
{
    [Fact]
    public void Waits_double_from_the_last_free_failure_on_and_end_when_all_is_forgotten()
    {
        var options = new GuessLimitOptions
        {
            FreeFailures = 3,
            MaxFailures = 8,
            FirstWait = TimeSpan.FromSeconds(30),
            LongestWait = TimeSpan.FromSeconds(200),
            Memory = TimeSpan.FromDays(1),
        };
        Assert.Equal([0, 0, 30, 60, 120, 200, 200, 86_400], options.Waits.Select(wait => wait.TotalSeconds));
    }

    [Fact]
    public void By_default_a_hundred_guesses_take_more_than_three_days()
    {
        var waits = new GuessLimitOptions().Waits;
        Assert.Equal((100, 9), (waits.Length, waits.Count(wait => wait == TimeSpan.Zero)));
        Assert.InRange(new TimeSpan(waits[..^1].Sum(wait => wait.Ticks)).TotalDays, 3, 4);
    }

    [Theory]
    [InlineData(0, 100, 30, 3_600, 30, "FreeFailures")]
    [InlineData(10, 9, 30, 3_600, 30, "MaxFailures")]
    [InlineData(10, 10_001, 30, 3_600, 30, "MaxFailures")]
    [InlineData(10, 100, 0, 3_600, 30, "FirstWait")]
    [InlineData(10, 100, 30, 29, 30, "LongestWait")]
    [InlineData(10, 100, 30, 3_600, 0, "Memory")]
    [InlineData(10, 100, 30, 3_600, 4_000, "Memory")]
    public void A_wrong_setting_stops_the_start_with_its_name(int free, int max, int first, int longest, int days, string key)
    {
        var options = new GuessLimitOptions
        {
            FreeFailures = free,
            MaxFailures = max,
            FirstWait = TimeSpan.FromSeconds(first),
            LongestWait = TimeSpan.FromSeconds(longest),
            Memory = TimeSpan.FromDays(days),
        };
        Assert.StartsWith($"RateLimiting:Passwords:{key}", new GuessLimitOptionsValidation().Validate(null, options).FailureMessage, StringComparison.Ordinal);
        Assert.True(new GuessLimitOptionsValidation().Validate(null, new GuessLimitOptions()).Succeeded);
    }
}

public sealed class GuessLimitTests(GuessLimitTests.Server app) : IClassFixture<GuessLimitTests.Server>
{
    private static int addresses;

    /// <summary>Three failures are free, the fifth is the last; one address may try as often as it likes.</summary>
    public sealed class Server() : App(new()
    {
        ["RateLimiting:Enabled"] = "true",
        ["RateLimiting:Rules:/sign-in*:Max"] = "1000000",
        ["RateLimiting:Rules:/sign-up*:Max"] = "1000000",
        ["RateLimiting:Rules:/verify-password:Max"] = "1000000",
        ["RateLimiting:Rules:/change-password*:Max"] = "1000000",
        ["RateLimiting:Rules:/delete-user*:Max"] = "1000000",
        ["RateLimiting:Passwords:FreeFailures"] = "3",
        ["RateLimiting:Passwords:MaxFailures"] = "5",
        ["RateLimiting:Passwords:FirstWait"] = "0:00:30",
        ["RateLimiting:Passwords:LongestWait"] = "0:01:00",
        ["Modular:ForwardedFor"] = "true",
    });

    [Fact]
    public async Task After_too_many_failures_from_anywhere_an_address_has_to_wait_whether_it_is_known_or_not()
    {
        var ada = await app.SignedUp();
        var answers = new HashSet<string>();
        foreach (var email in (string[])[ada.Email, People.NewAddress()])
        {
            Assert.Equal([401, 401, 401], await Statuses(3, () => SignIn(app, email, "wrong-wrong")));
            var refused = await SignIn(app, email, "wrong-wrong");
            answers.Add($"{refused.Status} {refused.Header("Content-Type")} {refused.Header("X-Retry-After")} {refused.Body}");
        }

        Assert.Equal("""429 text/plain; charset=UTF-8 30 {"message":"Too many requests. Please try again later."}""", Assert.Single(answers));
    }

    [Fact]
    public async Task A_refused_attempt_costs_no_hash_and_learns_nothing_of_the_right_password()
    {
        var ada = await app.SignedUp();
        await Statuses(3, () => SignIn(app, ada.Email, "wrong-wrong"));
        var hashed = app.Passwords().Operations;
        Assert.Equal(429, (await SignIn(app, ada.Email, "wrong-wrong")).Status);
        Assert.Equal(429, (await SignIn(app, ada.Email, People.Password)).Status);
        Assert.Equal(hashed, app.Passwords().Operations);
    }

    [Fact]
    public async Task Of_fifty_guesses_at_once_on_two_nodes_exactly_those_that_are_free_are_compared()
    {
        var other = await app.AnotherNode();
        var ada = await app.SignedUp();
        var answers = await Task.WhenAll(Enumerable.Range(0, 50).Select(at => SignIn(at % 2 == 0 ? app : other, ada.Email, "wrong-wrong")));
        Assert.Equal((3, 47), (answers.Count(answer => answer.Status == 401), answers.Count(answer => answer.Status == 429)));
        await other.DisposeAsync();
    }

    [Fact]
    public async Task Waits_grow_to_the_last_guess_after_which_there_is_none_until_all_is_forgotten()
    {
        var email = People.NewAddress();
        await Statuses(3, () => SignIn(app, email, "wrong-wrong"));
        app.Clock.Advance(TimeSpan.FromSeconds(30));
        Assert.Equal(401, (await SignIn(app, email, "wrong-wrong")).Status);
        Assert.Equal("60", (await SignIn(app, email, "wrong-wrong")).Header("X-Retry-After"));
        app.Clock.Advance(TimeSpan.FromSeconds(60));
        Assert.Equal(401, (await SignIn(app, email, "wrong-wrong")).Status);
        app.Clock.Advance(TimeSpan.FromDays(29));
        Assert.Equal(429, (await SignIn(app, email, "wrong-wrong")).Status);
        app.Clock.Advance(TimeSpan.FromDays(1));
        Assert.Equal([401, 401, 401, 429], await Statuses(4, () => SignIn(app, email, "wrong-wrong")));
    }

    [Fact]
    public async Task The_right_password_begins_the_count_anew()
    {
        var ada = await app.SignedUp();
        foreach (var _ in Enumerable.Range(0, 3))
        {
            Assert.Equal([401, 401], await Statuses(2, () => SignIn(app, ada.Email, "wrong-wrong")));
            Assert.Equal(200, (await SignIn(app, ada.Email, People.Password)).Status);
        }
    }

    [Fact]
    public async Task The_right_password_of_somebody_who_is_banned_is_right()
    {
        var ada = await app.SignedUp();
        await using var session = app.Services.GetRequiredService<IDocumentStore>().LightweightSession();
        session.Events.Append(ada.Id, new UserBanned(ada.Id, "spam", null, app.Clock.GetUtcNow()));
        await session.SaveChangesAsync();
        Assert.Equal([403, 403, 403, 403, 403], await Statuses(5, () => SignIn(app, ada.Email, People.Password)));
    }

    [Fact]
    public async Task Strangers_do_not_lock_an_owner_out_whose_address_is_known()
    {
        var ada = await app.SignedUp();
        var home = NewAddress();
        Assert.Equal(200, (await SignIn(app, ada.Email, People.Password, home)).Status);
        Assert.Equal([401, 401, 401, 429], await Statuses(4, () => SignIn(app, ada.Email, "wrong-wrong")));
        Assert.Equal(200, (await SignIn(app, ada.Email, People.Password, home)).Status);
        // Nor does their success open the door to strangers, nor their mistakes close it.
        Assert.Equal(429, (await SignIn(app, ada.Email, "wrong-wrong")).Status);
        Assert.Equal([401, 401, 401, 429], await Statuses(4, () => SignIn(app, ada.Email, "wrong-wrong", home)));
    }

    [Fact]
    public async Task An_address_is_known_for_one_account_only_and_not_for_ever()
    {
        var (ada, ben, home) = (await app.SignedUp(), await app.SignedUp(), NewAddress());
        Assert.Equal(200, (await SignIn(app, ada.Email, People.Password, home)).Status);
        await Statuses(3, () => SignIn(app, ben.Email, "wrong-wrong"));
        Assert.Equal(429, (await SignIn(app, ben.Email, People.Password, home)).Status);
        app.Clock.Advance(TimeSpan.FromDays(31));
        await Statuses(3, () => SignIn(app, ada.Email, "wrong-wrong"));
        Assert.Equal(429, (await SignIn(app, ada.Email, People.Password, home)).Status);
    }

    [Fact]
    public async Task Somebody_who_is_signed_in_has_one_count_for_every_act_that_asks_for_the_password()
    {
        var ada = await app.SignedUp();
        Assert.Equal(400, (await Act(ada, "/api/auth/verify-password", new { password = "wrong-wrong" })).Status);
        Assert.Equal(400, (await Act(ada, "/api/auth/change-password", new { currentPassword = "wrong-wrong", newPassword = "another-horse-2" })).Status);
        Assert.Equal(400, (await Act(ada, "/api/auth/delete-user", new { password = "wrong-wrong" })).Status);
        Assert.Equal(429, (await Act(ada, "/api/auth/verify-password", new { password = People.Password })).Status);
        Assert.Equal(429, (await Act(ada, "/api/auth/change-password", new { currentPassword = People.Password, newPassword = "another-horse-2" })).Status);
        var refused = await Act(ada, "/api/auth/delete-user", new { password = People.Password });
        Assert.Equal(
            (429, "30", """{"message":"Too many requests. Please try again later."}"""), (refused.Status, refused.Header("X-Retry-After"), refused.Body));
        // Who knows the address guesses at another count, and the other way round.
        Assert.Equal(401, (await SignIn(app, ada.Email, "wrong-wrong")).Status);
        app.Clock.Advance(TimeSpan.FromSeconds(30));
        Assert.Equal(200, (await Act(ada, "/api/auth/verify-password", new { password = People.Password })).Status);
    }

    [Fact]
    public async Task A_password_set_by_mail_ends_the_wait()
    {
        var ada = await app.SignedUp();
        await Statuses(3, () => SignIn(app, ada.Email, "wrong-wrong"));
        Assert.Equal(429, (await SignIn(app, ada.Email, People.Password)).Status);
        await RateLimitTests.Post(app, NewAddress(), "/api/auth/request-password-reset", new { email = ada.Email });
        await app.Settled();
        var mail = (await app.Scenario(_ => _.Get.Url($"/dev/mailbox?to={ada.Email}"))).Json()[0].GetProperty("text").GetString()!;
        var token = mail.Split("/reset-password/")[1].Split('?')[0];
        Assert.Equal(200, (await RateLimitTests.Post(app, NewAddress(), "/api/auth/reset-password", new { newPassword = "another-horse-2", token })).Status);
        Assert.Equal(200, (await SignIn(app, ada.Email, "another-horse-2")).Status);
    }

    [Fact]
    public async Task A_guess_that_was_not_compared_does_not_count()
    {
        var user = Guid.NewGuid().ToString("N");
        foreach (var _ in Enumerable.Range(0, 10))
        {
            await using var scope = app.Services.CreateAsyncScope();
            var guesses = scope.ServiceProvider.GetRequiredService<GuessLimit>();
            Assert.Null(await guesses.OfUser(user, CancellationToken.None));
            guesses.WasNotCompared();
            await scope.ServiceProvider.GetRequiredService<IDocumentSession>().SaveChangesAsync();
        }
    }

    [Fact]
    public async Task What_is_forgotten_is_removed()
    {
        await SignIn(app, People.NewAddress(), "wrong-wrong");
        app.Clock.Advance(TimeSpan.FromDays(31));
        await SignIn(app, People.NewAddress(), "wrong-wrong");
        var counts = app.Services.GetRequiredService<GuessCounts>();
        Assert.InRange(await counts.RemoveForgotten(1_000, CancellationToken.None), 1, 1_000);
        Assert.Equal(1, await app.Count("select count(*) from identity.password_guesses"));
    }

    private static string NewAddress() => $"203.0.113.{Interlocked.Increment(ref addresses) % 250}";

    // From an address that nobody has used, unless one is named.
    private static Task<ScenarioResult> SignIn(App app, string email, string password, string? from = null) =>
        RateLimitTests.Post(app, from ?? $"2001:db8:{Interlocked.Increment(ref addresses):x}::1", "/api/auth/sign-in/email", new { email, password });

    private static async Task<IReadOnlyList<int>> Statuses(int times, Func<Task<ScenarioResult>> attempt)
    {
        var statuses = new List<int>();
        for (var time = 0; time < times; time++)
            statuses.Add((await attempt()).Status);
        return statuses;
    }

    private Task<ScenarioResult> Act<T>(Person person, string path, T body) => app.Scenario(_ =>
    {
        _.As(person.Browser).Post.Json(body).ToUrl(path);
        _.IgnoreStatusCode();
    });
}
