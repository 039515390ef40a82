using System.Text.Json;
using Modular.Testing;

namespace Modular.Host.Tests;

public sealed class SeedTests
{
    private static readonly string[] Everybody =
        ["admin@seed.example", .. Enumerable.Range(1, 5).Select(n => $"mentor-{n}@seed.example"), .. Enumerable.Range(1, 5).Select(n => $"mentee-{n}@seed.example")];

    [Fact]
    public async Task A_seed_run_twice_has_made_its_people_and_nobody_else()
    {
        await using var own = new Own();
        await own.InitializeAsync();
        var first = await own.Commands.Run("db", "seed", "--json");
        Assert.True(first.ExitCode == 0, first.Error + first.Output);
        Assert.Equal("seeded for development", first.Json.GetProperty("password").GetString());
        await own.Settled();
        var before = await Everything(own);

        var second = await own.Commands.Run("db", "seed");
        Assert.Equal((0, "The people and their office sessions were here already; nothing was changed."), (second.ExitCode, Assert.Single(second.Lines)));
        await own.Settled();
        Assert.Equal(before, await Everything(own));

        var admin = await own.SignedIn("admin");
        var profiles = (await own.Scenario(_ => _.As(admin).Get.Url("/api/profiles?limit=100"))).Json().GetProperty("profiles").EnumerateArray().ToList();
        Assert.Equal(Everybody, profiles.Select(profile => profile.GetProperty("email").GetString()));
        Assert.Equal(["admin", .. Enumerable.Repeat("mentor", 5), .. Enumerable.Repeat("mentee", 5)], profiles.Select(profile => Assert.Single(profile.GetProperty("roles").EnumerateArray()).GetString()));
        var mentors = (await own.Scenario(_ => _.As(admin).Get.Url("/api/mentors?expertise=c%23:advanced"))).Json().GetProperty("mentors");
        Assert.Equal("seed-mentor-3", Assert.Single(mentors.EnumerateArray()).GetProperty("userId").GetString());
    }

    [Fact]
    public async Task Office_sessions_are_in_every_state_and_each_act_is_in_the_log_at_its_time()
    {
        await using var own = new Own();
        await own.InitializeAsync();
        await own.Commands.Run("db", "seed");
        await own.Settled();
        var states = await own.Sql("select status, count(*) from profiles.mt_doc_office_session where mentor_id like 'seed-%' group by 1 order by 1");
        Assert.Equal(
            "Cancelled 3, Completed 7, Confirmed 3, Declined 2, Missed 2, Requested 3", string.Join(", ", states.Select(row => $"{row[0]} {row[1]}")));
        Assert.Equal(0, await own.Count(
            "select count(*) from profiles.mt_doc_office_session where status in ('Completed', 'Missed') and starts_at > now() or status in ('Requested', 'Confirmed') and starts_at < now()"));
        // Who acted, and that it was told by the seed; an act comes after the one it rests on.
        Assert.Equal(0, await own.Count(
            "select count(*) from audit.search where type like 'office_session.%' and (actor is null or actor not like 'seed-m%') and type <> 'office_session.refused.1'"));
        Assert.Equal(0, await own.Count("""
            select count(*) from profiles.mt_events later join profiles.mt_events earlier using (stream_id)
            where later.version > earlier.version and later.timestamp < earlier.timestamp
            """));
        Assert.Equal(0, await own.Count("select count(*) from profiles.mt_events where timestamp > now()"));
        Assert.Equal(0, (await own.Commands.Run("audit", "verify")).ExitCode);
        var rebuilt = await own.Commands.Run("audit", "rebuild", "--all", "--compare");
        Assert.True(rebuilt.ExitCode == 0, rebuilt.Output + rebuilt.Error);
    }

    [Fact]
    public async Task Who_was_deleted_stays_so_and_who_was_changed_too()
    {
        await using var own = new Own();
        await own.InitializeAsync();
        await own.Commands.Run("db", "seed");
        await own.Settled();
        var root = await own.SignedIn("admin");
        await own.Scenario(_ => _.As(root).Post.Json(new { userId = "seed-mentee-5" }).ToUrl("/api/auth/admin/remove-user"));
        var mentor = await own.SignedIn("mentor-1");
        await own.Scenario(_ => _.As(mentor).Put.Json(new { headline = "Away" }).ToUrl("/api/profiles/me"));
        await own.Settled();

        var again = await own.Commands.Run("db", "seed", "--json");
        Assert.True(again.ExitCode == 0, again.Output + again.Error);
        Assert.Equal("""{"new":0,"known":10,"gone":1}""", again.Json.GetProperty("people").GetRawText());
        Assert.Equal(0, again.Json.GetProperty("officeSessions").GetProperty("steps").GetInt32());
        Assert.Equal("Away", (await own.Scenario(_ => _.As(mentor).Get.Url("/api/profiles/me"))).Json().GetProperty("headline").GetString());
        Assert.Equal(0, await own.Count("select count(*) from identity.mt_doc_user where id = 'seed-mentee-5'"));
    }

    [Fact]
    public async Task Interrupted_again_and_again_it_comes_to_the_same_end()
    {
        await using var own = new Own();
        await own.InitializeAsync();
        var interrupted = 0;
        for (var patience = 200; ; patience += 100)
        {
            using var enough = new CancellationTokenSource(patience);
            var run = await own.Commands.Until(enough.Token, "db", "seed", "--users", "700", "--json");
            if (run.ExitCode == 0)
                break;
            Assert.Equal("Cancelled.", run.Error.Trim().Split('\n')[^1]);
            interrupted++;
        }

        Assert.True(interrupted > 0);
        await own.Settled();
        Assert.Equal(711, await own.Count("select count(*) from identity.mt_doc_user"));
        Assert.Equal(711, await own.Count("select count(*) from identity.mt_events where type = 'user.registered.1'"));
        Assert.Equal(711, await own.Count("select count(*) from profiles.mt_doc_profile"));
        Assert.Equal(20, await own.Count("select count(*) from profiles.mt_doc_office_session"));
        Assert.Equal(0, (await own.Commands.Run("db", "seed", "--users", "700", "--json")).Json.GetProperty("officeSessions").GetProperty("steps").GetInt32());
        Assert.Equal(0, (await own.Commands.Run("audit", "rebuild", "--all", "--compare")).ExitCode);
    }

    [Fact]
    public async Task A_crowd_is_real_grows_and_is_never_made_twice()
    {
        await using var own = new Own();
        await own.InitializeAsync();
        Assert.Equal("""{"new":450,"known":0}""", (await own.Commands.Run("db", "seed", "--users", "450", "--json")).Json.GetProperty("users").GetRawText());
        Assert.Equal("""{"new":150,"known":450}""", (await own.Commands.Run("db", "seed", "--users", "600", "--json")).Json.GetProperty("users").GetRawText());
        await own.Settled();

        Assert.Equal(600, await own.Count("select count(*) from neon_auth.users_sync where id like 'seed-user-%' and raw_json ->> 'email' = email"));
        Assert.Equal(600, await own.Count("select count(*) from audit.search where type = 'user.registered.1' and reason = 'seed' and subject like 'seed-user-%'"));
        Assert.Equal(600, await own.Count("select count(*) from store.subject_keys where subject like 'seed-user-%'"));
        var somebody = own.Browser();
        await own.Scenario(_ => _.As(somebody).Post.Json(new { email = "hedy.ivanova.8@load.example", password = "seeded for development" }).ToUrl("/api/auth/sign-in/email"));
        var root = await own.SignedIn("admin");
        var found = (await own.Scenario(_ => _.As(root).Get.Url("/api/profiles?search=hedy.ivanova.8@"))).Json().GetProperty("profiles");
        Assert.Equal("seed-user-000000008", Assert.Single(found.EnumerateArray()).GetProperty("userId").GetString());
        // What COPY has put there is what the events say, byte for byte.
        var rebuilt = await own.Commands.Run("audit", "rebuild", "--all", "--compare");
        Assert.True(rebuilt.ExitCode == 0, rebuilt.Output + rebuilt.Error);
        Assert.Equal(0, (await own.Commands.Run("audit", "verify")).ExitCode);
    }

    [Fact]
    public async Task An_address_that_is_somebody_elses_ends_it_in_one_sentence()
    {
        await using var own = new Own();
        await own.InitializeAsync();
        await own.Scenario(_ => _.Post.Json(new { name = "X", email = "mentor-2@seed.example", password = "chosen by a stranger" }).ToUrl("/api/auth/sign-up/email"));
        var result = await own.Commands.Run("db", "seed");
        Assert.Equal((1, "The address mentor-2@seed.example belongs to somebody who was not made by a seed."), (result.ExitCode, result.Error.Trim()));
    }

    [Fact]
    public async Task It_is_not_for_production_unless_forced_and_then_with_a_password_that_nobody_knows()
    {
        await using var database = await TestDatabase.CreateAsync();
        var production = new CommandLine(database.ConnectionString) { Environment = "Production" };
        var refused = await production.Run("db", "seed");
        Assert.Equal(2, refused.ExitCode);
        Assert.Contains("--force", refused.Error, StringComparison.Ordinal);

        var forced = await production.Run("db", "seed", "--force", "--json");
        Assert.True(forced.ExitCode == 0, forced.Error + forced.Output);
        Assert.Equal(24, forced.Json.GetProperty("password").GetString()!.Length);
        var again = await production.Run("db", "seed", "--force", "--json");
        Assert.Equal(JsonValueKind.Null, again.Json.GetProperty("password").ValueKind);
    }

    private static async Task<string> Everything(App app) => string.Join(
        '\n', (await app.Sql("""
            select 'identity', count(*), max(seq_id) from identity.mt_events where stream_id like 'seed-%'
            union all select 'profiles', count(*), max(seq_id) from profiles.mt_events
            union all select 'users', count(*), null from identity.mt_doc_user
            union all select 'keys', count(*), null from store.subject_keys
            order by 1
            """)).Select(row => string.Join(' ', row)));

    /// <summary>A server of a test's own.</summary>
    private sealed class Own : App, IAsyncDisposable
    {
        public CommandLine Commands => new(ConnectionString);

        public async Task<Browser> SignedIn(string name)
        {
            var browser = Browser();
            await Scenario(_ => _.As(browser).Post.Json(new { email = $"{name}@seed.example", password = "seeded for development" }).ToUrl("/api/auth/sign-in/email"));
            return browser;
        }

        async ValueTask IAsyncDisposable.DisposeAsync() => await DisposeAsync();
    }
}
