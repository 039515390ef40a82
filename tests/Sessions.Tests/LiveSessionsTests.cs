using System.Diagnostics.Metrics;
using System.Text;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;
using Modular.Identity.Contracts;
using Modular.Testing;

namespace Modular.Sessions.Tests;

public sealed class LiveSessionsTests : IDisposable
{
    private const long Second = 1_000_000_000;

    private static readonly DateTimeOffset Noon = new(2026, 1, 1, 12, 0, 0, TimeSpan.Zero);

    private readonly ServiceProvider services = new ServiceCollection().AddMetrics().BuildServiceProvider();
    private readonly SessionLease lease;
    private readonly LiveSessionsMetrics metrics;
    private long time = Second;

    public LiveSessionsTests()
    {
        lease = new SessionLease(() => time);
        metrics = new LiveSessionsMetrics(services.GetRequiredService<IMeterFactory>());
        lease.Renew(time);
    }

    public void Dispose()
    {
        lease.Dispose();
        services.Dispose();
    }

    [Fact]
    public async Task Checks_of_every_core_are_counted_to_the_last_one_and_the_count_never_falls()
    {
        const int Threads = 8;
        const int Each = 100_000;
        var (fell, last) = (false, 0L);
        using var done = new CancellationTokenSource();
        var reader = Task.Run(() =>
        {
            while (!done.IsCancellationRequested)
            {
                var now = metrics.Hits;
                fell |= now < last;
                last = now;
            }
        });
        Parallel.For(0, Threads, new ParallelOptions { MaxDegreeOfParallelism = Threads }, _ =>
        {
            for (var check = 0; check < Each; check++)
                metrics.Hit();
        });
        await done.CancelAsync();
        await reader;
        Assert.Equal(Threads * Each, metrics.Hits);
        Assert.False(fell);
    }

    [Fact]
    public void What_was_looked_up_is_found_again_until_its_user_changes()
    {
        var (table, ada) = (Table(), Known("ada", "a"));
        table.Keep(table.BeginFill(), ada);
        table.Keep(table.BeginFill(), Known("eve", "b"));
        Assert.Same(ada, table.Find(ada.Token));
        table.Forget("ada");
        Assert.Null(table.Find(ada.Token));
        Assert.Equal(1, table.Count);
        table.Forget(LiveSessions.Everybody);
        Assert.Equal(0, table.Count);
    }

    [Fact]
    public void A_look_up_that_an_invalidation_overtook_is_not_kept()
    {
        var (table, ada) = (Table(), Known("ada", "a"));
        var begun = table.BeginFill();
        table.Forget("ada");
        table.Keep(begun, ada);
        Assert.Null(table.Find(ada.Token));

        begun = table.BeginFill();
        table.Forget("eve");
        table.Keep(begun, ada);
        Assert.Same(ada, table.Find(ada.Token));

        begun = table.BeginFill();
        for (var i = 0; i < 5_000; i++)
            table.Forget("eve");
        table.Keep(begun, Known("zoe", "z"));
        Assert.Equal(1, table.Count);
        Assert.Equal(2, metrics.Discards);
    }

    [Fact]
    public void A_cookie_that_was_checked_is_recognized_by_the_whole_of_it_as_long_as_its_session_is_known()
    {
        var (table, ada, eve) = (Table(), Known("ada", "a"), Known("eve", "b"));
        table.Remember(ada, "a.signature");
        Assert.Null(table.Recognize("a.signature"));

        table.Keep(table.BeginFill(), ada = Known("ada", "a"));
        table.Keep(table.BeginFill(), eve);
        Assert.Null(table.Recognize("a.signature"));
        table.Remember(ada, "a.signature");
        table.Remember(eve, "b.signature");
        table.Remember(ada, "a.s%69gnature");
        Assert.Same(ada, table.Recognize("a.signature"));
        Assert.Same(eve, table.Recognize("b.signature"));
        Assert.All(["a.s%69gnature", "a.signaturf", "a.signature ", ""], (string text) => Assert.Null(table.Recognize(text)));

        time += Second;
        Assert.Null(table.Recognize("a.signature"));
        lease.Renew(time);
        Assert.Same(ada, table.Recognize("a.signature"));

        table.Forget("ada");
        Assert.Null(table.Recognize("a.signature"));
        table.Drop(eve.Token);
        Assert.Null(table.Recognize("b.signature"));
        table.Keep(table.BeginFill(), ada);
        table.Forget(LiveSessions.Everybody);
        Assert.Null(table.Recognize("a.signature"));
    }

    [Fact]
    public void Without_the_lease_nothing_is_answered_and_nothing_kept()
    {
        var (table, ada) = (Table(), Known("ada", "a"));
        table.Keep(table.BeginFill(), ada);
        time += Second - 1;
        Assert.NotNull(table.Find(ada.Token));
        time += 1;
        Assert.Null(table.Find(ada.Token));
        table.Keep(table.BeginFill(), Known("eve", "b"));
        lease.Renew(time);
        Assert.Equal(1, table.Count);
        lease.Lose();
        Assert.Null(table.Find(ada.Token));
    }

    [Fact]
    public void A_lease_counts_from_when_the_proof_was_asked_for()
    {
        lease.Renew(time - (2 * Second));
        Assert.False(lease.Holds());
    }

    [Fact]
    public void A_dead_session_stays_dead_whatever_happens_to_anybody()
    {
        var (table, token) = (Table(), Hash("gone"));
        table.Keep(table.BeginFill(), KnownSession.Dead(token));
        table.Forget("ada");
        Assert.Null(table.Find(token)!.Live);
        Assert.Equal("null", Encoding.UTF8.GetString(table.Find(token)!.Answer));
    }

    [Fact]
    public void Memory_is_bounded_and_a_flood_pushes_out_itself()
    {
        var table = Table(megabytes: 1);
        var regulars = Enumerable.Range(0, 200).Select(i => Known($"regular-{i}", $"r{i}")).ToList();
        foreach (var regular in regulars)
        {
            table.Keep(table.BeginFill(), regular);
            table.Find(regular.Token);
        }

        for (var i = 0; i < 20_000; i++)
        {
            table.Keep(table.BeginFill(), Known($"flood-{i}", $"f{i}"));
            if (i % 50 == 0)
                regulars.ForEach(regular => table.Find(regular.Token));
        }

        Assert.InRange(table.Count, 200, 1_048_576 / regulars[0].Bytes);
        Assert.All(regulars, regular => Assert.NotNull(table.Find(regular.Token)));
    }

    /// <summary>The row is read, the session is revoked, the node hears of it, the row is kept: in every order there is.</summary>
    [Fact]
    public async Task A_revocation_that_races_with_a_look_up_never_leaves_a_live_session_behind()
    {
        const int Rounds = 100_000;
        var table = Table();
        using var together = new Barrier(2);
        // Now and then one waits for the other, so that both orders happen also where threads take turns.
        using var toRevoke = new SemaphoreSlim(0);
        using var revoked = new SemaphoreSlim(0);
        var alive = true;
        var wrong = 0;
        var kept = 0;

        var filling = Task.Run(() =>
        {
            for (var round = 0; round < Rounds; round++)
            {
                var known = Known("ada", $"t{round}");
                together.SignalAndWait();
                var begun = table.BeginFill();
                var row = Volatile.Read(ref alive);
                if (round % 3 == 0)
                    Thread.SpinWait(round % 50);
                if (round % 1000 == 1)
                {
                    toRevoke.Release();
                    revoked.Wait();
                }

                if (row)
                    table.Keep(begun, known);
                kept += table.Count;
                if (round % 1000 == 2)
                    toRevoke.Release();
                together.SignalAndWait();
                if (table.Find(known.Token) is { Live: not null })
                    wrong++;
                together.SignalAndWait();
            }
        });
        var revoking = Task.Run(() =>
        {
            for (var round = 0; round < Rounds; round++)
            {
                Volatile.Write(ref alive, true);
                together.SignalAndWait();
                if (round % 2 == 0)
                    Thread.SpinWait(round % 70);
                if (round % 1000 is 1 or 2)
                    toRevoke.Wait();
                Volatile.Write(ref alive, false);
                table.Forget("ada");
                if (round % 1000 == 1)
                    revoked.Release();
                together.SignalAndWait();
                together.SignalAndWait();
            }
        });
        await Task.WhenAll(filling, revoking);

        Assert.Equal(0, wrong);
        // It was a race: some were kept before they were revoked, some were overtaken.
        Assert.True(kept > 0 && metrics.Discards > 0, $"{kept} kept, {metrics.Discards} discarded");
    }

    private LiveSessions Table(int megabytes = 16) =>
        new(lease, Options.Create(new LiveSessionsOptions { TableMegabytes = megabytes }), metrics);

    private static TokenHash Hash(string token) => TokenHash.Of(Encoding.UTF8.GetBytes(token));

    private static KnownSession Known(string userId, string token)
    {
        var user = new SessionPrincipal(userId, "Ada", "ada@example.com", true, null, Noon, Noon, "user", false, null, null);
        var session = new Session(token, userId, "hash", "handle", true, "password", Noon, Noon, Noon.AddHours(8), null, null);
        return KnownSession.Alive(Hash(token), new LiveSession(new SessionToken(token), session, user), new byte[500], Noon.AddHours(1));
    }
}

public sealed class LiveSessionsOverHttp(SessionsApp app) : IClassFixture<SessionsApp>
{
    private const string Cut = """
        select pg_terminate_backend(pid) from pg_stat_activity
        where datname = current_database() and query in ('listen modular_sessions', 'select not pg_is_in_recovery()')
        """;

    private LiveSessionsMetrics Metrics => app.Services.GetRequiredService<LiveSessionsMetrics>();

    [Fact]
    public async Task A_check_is_answered_from_memory_with_the_same_bytes_and_headers()
    {
        var laptop = await app.SignedIn();
        app.Services.GetRequiredService<LiveSessions>().Forget(LiveSessions.Everybody);
        var asked = await app.GetSession(laptop.Browser);
        await SessionsApp.Sees(async () =>
        {
            var before = Metrics.Hits;
            await app.GetSession(laptop.Browser);
            return Metrics.Hits > before;
        });
        var remembered = await app.GetSession(laptop.Browser);
        Assert.Equal(asked.Body, remembered.Body);
        Assert.Equal(Headers(asked), Headers(remembered));
    }

    [Fact]
    public async Task Whatever_ends_a_session_ends_it_at_once_where_it_was_done()
    {
        foreach (var (path, body) in ((string, object)[])
        [
            ("/api/auth/sign-out", new { }),
            ("/api/auth/revoke-sessions", new { }),
            ("/api/auth/delete-user", new { }),
        ])
        {
            var laptop = await app.SignedIn();
            var copy = app.Again(laptop);
            await Remembered(copy);
            await app.Post(laptop.Browser, path, body);
            Assert.False(await app.IsSignedIn(copy), path);
        }
    }

    [Fact]
    public async Task A_listener_that_was_cut_off_is_answered_from_the_database_until_it_hears_again()
    {
        var laptop = await app.SignedIn();
        await Remembered(laptop);
        for (var round = 0; round < 5; round++)
        {
            var losses = Metrics.LeaseLosses;
            await SessionsApp.Sees(async () => (await app.Sql(Cut)).Count > 0);
            await SessionsApp.Sees(async () => await app.IsSignedIn(laptop) && Metrics.LeaseLosses > losses);
            await Remembered(laptop);
        }

        // What happens while nobody listens is seen in the database.
        await app.Sql(Cut);
        await app.Sql("delete from sessions.mt_doc_session where id = $1", laptop.SessionId);
        await SessionsApp.Sees(async () => !await app.IsSignedIn(laptop));
    }

    /// <summary>Nobody is told of a refresh, so what is remembered elsewhere may have expired while the session has not.</summary>
    [Fact]
    public async Task What_is_remembered_and_has_expired_was_perhaps_refreshed_elsewhere()
    {
        var laptop = await app.SignedIn();
        await Remembered(laptop);
        await app.Sql("""
            update sessions.mt_doc_session set expires_at = expires_at + interval '8 hours',
                data = data || jsonb_build_object('expiresAt', to_char((expires_at + interval '8 hours') at time zone 'utc', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'))
            where id = $1
            """, laptop.SessionId);
        app.Clock.Advance(TimeSpan.FromHours(9));

        Assert.True(await app.IsSignedIn(laptop));
    }

    [Fact]
    public async Task Neither_sign_in_nor_refresh_nor_cleanup_tells_anybody_and_ending_many_tells_once()
    {
        await using var listener = new Npgsql.NpgsqlConnection(app.ConnectionString);
        await listener.OpenAsync();
        var heard = new List<string>();
        listener.Notification += (_, notification) => heard.Add(notification.Payload);
        await using (var listen = new Npgsql.NpgsqlCommand($"listen {SessionListener.Channel}", listener))
            await listen.ExecuteNonQueryAsync();

        var person = await app.Registered();
        var laptop = await app.SignedIn(person);
        for (var i = 0; i < 5; i++)
            await app.SignedIn(person);
        app.Clock.Advance(TimeSpan.FromHours(2));
        Assert.True(await app.IsSignedIn(laptop));
        await Hear(listener);
        Assert.Empty(heard);

        await app.Post(laptop.Browser, "/api/auth/revoke-sessions", new { });
        await Hear(listener);
        Assert.Equal([person.Id], heard);
    }

    private static async Task Hear(Npgsql.NpgsqlConnection listener)
    {
        await using var anything = new Npgsql.NpgsqlCommand("select 1", listener);
        for (var i = 0; i < 10; i++)
        {
            await anything.ExecuteNonQueryAsync();
            await Task.Delay(10);
        }
    }

    private async Task Remembered(Device device) => await SessionsApp.Sees(async () =>
    {
        var before = Metrics.Hits;
        await app.GetSession(device.Browser);
        return Metrics.Hits > before;
    });

    private static IEnumerable<string> Headers(ScenarioResult result) => result.Response.Headers.Concat(result.Response.Content.Headers)
        .Where(header => header.Key is not ("Date" or "X-Request-Id"))
        .Select(header => $"{header.Key}: {string.Join(", ", header.Value)}").Order(StringComparer.Ordinal);
}
