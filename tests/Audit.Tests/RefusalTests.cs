using System.Diagnostics;
using System.Net;
using System.Text.Json;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;
using Modular.Kernel;
using Modular.Testing;

namespace Modular.Audit.Tests;

public sealed class RefusalTests(AuditApp app) : IClassFixture<AuditApp>
{
    [Fact]
    public async Task A_refused_caller_is_an_entry_with_route_and_reason_before_the_answer()
    {
        await Ask("gil user", "/api/audit/entries", 403);
        await Ask("gil user", "/api/audit/entries/7", 403);
        await app.Settled();
        var entries = await Entries("actor=gil&type=access.refused.1");
        Assert.Equal(
            ["GET /api/audit/entries/{position} forbidden 1 refused gil session-of-gil", "GET /api/audit/entries forbidden 1 refused gil session-of-gil"],
            entries.Select(e => $"{Data(e, "route")} {e.GetProperty("reason")} {Data(e, "count")} {e.GetProperty("outcome")} {e.GetProperty("subject")} {e.GetProperty("session")}"));
        Assert.All(entries, e => Assert.Equal("127.0.0.1", e.GetProperty("ip").GetString()));
    }

    [Fact]
    public async Task Repeats_of_a_minute_are_told_together_when_it_is_over()
    {
        for (var time = 0; time < 50; time++)
            await Ask("hal user", "/api/audit/replay", 403);
        await Told();
        var entries = await Entries("actor=hal");
        Assert.Equal(50, entries.Sum(e => e.GetProperty("data").GetProperty("count").GetInt64()));
        // Two of a minute, and the fifty may have been asked over the turn of one.
        Assert.InRange(entries.Count, 2, 4);
        Assert.All(entries, e => Assert.Equal("hal", e.GetProperty("subject").GetString()));
    }

    [Fact]
    public async Task A_caller_cannot_fill_the_log_with_many_reasons()
    {
        var log = new AccessRefusals(app.Services.GetRequiredService<Store.IDocumentStore>(), app.Clock);
        await using var scope = app.Services.CreateAsyncScope();
        var context = new Microsoft.AspNetCore.Http.DefaultHttpContext { RequestServices = scope.ServiceProvider };
        (scope.ServiceProvider.GetRequiredService<Caller>().UserId, scope.ServiceProvider.GetRequiredService<Caller>().SessionId) = ("ivy", "s");
        var before = DateTimeOffset.UtcNow.Minute;
        for (var time = 0; time < 100; time++)
            await log.Refused(context, Refusal.Forbidden($"REASON_{time}"));
        var repeats = log.Take(all: true);
        await app.Settled();
        var entries = await Entries("actor=ivy");
        Assert.InRange(entries.Count, AccessRefusals.MostOfSession, before == DateTimeOffset.UtcNow.Minute ? AccessRefusals.MostOfSession : 2 * AccessRefusals.MostOfSession);
        Assert.Equal(100 - entries.Count, repeats.Sum(repeat => repeat.Event.Count));
        Assert.All(repeats, repeat => Assert.Null(repeat.Event.Route));
    }

    [Fact]
    public async Task What_is_refused_to_nobody_is_counted_by_kind_network_and_minute()
    {
        var requests = app.Services.GetRequiredService<RefusedRequests>();
        for (var time = 0; time < 7; time++)
            requests.Count(RefusedKind.ForgedCookie, IPAddress.Parse($"198.51.100.{time}"));
        requests.Count(RefusedKind.RateLimit, IPAddress.Parse("198.51.100.9"));
        requests.Count(RefusedKind.ForgedCookie, IPAddress.Parse("2001:db8:77:1::1"));
        requests.Count(RefusedKind.ForgedCookie, IPAddress.Parse("2001:db8:77:ffff::2"));
        await Told();
        Assert.Equal(
            ["forged_cookie 198.51.100.0/24 7", "rate_limit 198.51.100.0/24 1"],
            Sums(await Entries("type=requests.refused.1&ip=198.51.100.0%2F24")));
        var six = await Entries("type=requests.refused.1&ip=2001%3Adb8%3A77%3A%3A%2F48&outcome=refused");
        Assert.Equal(["forged_cookie 2001:db8:77::/48 2"], Sums(six));
        Assert.All(six, e => Assert.Equal((JsonValueKind.Null, JsonValueKind.Null), (e.GetProperty("actor").ValueKind, e.GetProperty("subject").ValueKind)));
        // Not in clear where it is stored: who reads a dump learns no network.
        Assert.Equal(0, await app.Count("select count(*) from audit.entries where convert_from(canonical, 'UTF8') like '%198.51.100%'"));
    }

    [Fact]
    public void Ten_thousand_networks_of_a_minute_are_a_thousand_counts_and_one()
    {
        var requests = new RefusedRequests(new TestClock(), Options.Create(new AuthOptions()));
        for (var network = 0; network < 10_000; network++)
            requests.Count(RefusedKind.ForgedCookie, new IPAddress([10, (byte)(network >> 8), (byte)network, 1]));
        requests.Count(RefusedKind.RateLimit, IPAddress.Parse("192.0.2.1"));
        var counts = requests.Take(all: true);
        Assert.Equal(10_001, counts.Sum(count => count.Count));
        Assert.InRange(counts.Count, 1_002, 1_005);
        Assert.Contains(counts, count => count is { Kind: RefusedKind.RateLimit, Network: null });
        Assert.Empty(requests.Take(all: true));
    }

    [Fact]
    public void Many_threads_lose_no_count()
    {
        var requests = new RefusedRequests(new TestClock(), Options.Create(new AuthOptions()));
        Parallel.For(0, 50, thread =>
        {
            for (var time = 0; time < 10_000; time++)
                requests.Count(RefusedKind.UnknownToken, new IPAddress([192, 0, (byte)(time % 5), 1]));
        });
        Assert.Equal(500_000, requests.Take(all: true).Sum(count => count.Count));
    }

    [Fact]
    [Trait("Category", "Drill")]
    public void What_a_count_costs()
    {
        if (Environment.GetEnvironmentVariable("MODULAR_DRILLS") is null)
            return;
        var requests = new RefusedRequests(TimeProvider.System, Options.Create(new AuthOptions()));
        var address = IPAddress.Parse("192.0.2.1");
        for (var run = 0; run < 3; run++)
        {
            var watch = Stopwatch.StartNew();
            for (var time = 0; time < 5_000_000; time++)
                requests.Count(RefusedKind.ForgedCookie, address);
            Console.WriteLine($"{watch.Elapsed.TotalNanoseconds / 5_000_000:0.0} ns a count");
        }
    }

    private static IEnumerable<string> Sums(IEnumerable<JsonElement> entries) => entries
        .GroupBy(e => $"{Data(e, "kind")} {Data(e, "network")}", e => e.GetProperty("data").GetProperty("count").GetInt64())
        .Select(group => $"{group.Key} {group.Sum()}")
        .Order(StringComparer.Ordinal);

    private static string Data(JsonElement entry, string member) => entry.GetProperty("data").GetProperty(member).ToString();

    private async Task Told()
    {
        await app.Services.GetRequiredService<TellRefusals>().Tell(all: true, CancellationToken.None);
        await app.Settled();
    }

    private async Task Ask(string user, string url, int status) => await app.Scenario(_ =>
    {
        _.WithRequestHeader("X-Test-User", user);
        _.Get.Url(url);
        _.StatusCodeShouldBe(status);
    });

    private async Task<IReadOnlyList<JsonElement>> Entries(string query) => [.. (await app.Scenario(_ =>
    {
        _.WithRequestHeader("X-Test-User", "root admin");
        _.Get.Url($"/api/audit/entries?limit=200&{query}");
    })).Json().GetProperty("entries").EnumerateArray()];
}

/// <summary>The ways in, with real sessions.</summary>
public sealed class AnonymousRefusalTests(AdministeredApp app) : IClassFixture<AdministeredApp>
{
    [Fact]
    public async Task Forged_cookies_dead_tokens_foreign_pages_and_wrong_keys_are_counted()
    {
        await Counted();

        for (var time = 0; time < 3; time++)
        {
            // Of the fast way and of the slow one.
            Assert.Equal(200, (await Forged("/api/auth/get-session")).Status);
            Assert.Equal(401, (await Forged("/api/audit/me")).Status);
        }

        await app.Scenario(_ =>
        {
            _.WithRequestHeader("Cookie", "better-auth.session_token=x");
            _.WithRequestHeader("Origin", "https://evil.example");
            _.Post.Json(new { }).ToUrl("/api/auth/sign-out");
            _.StatusCodeShouldBe(403);
        });
        await app.Scenario(_ =>
        {
            _.Get.Url("/api/auth/get-session");
            _.StatusCodeShouldBe(200);
        });

        var counted = await Counted();
        Assert.Equal("foreign_origin 1, forged_cookie 6", counted);
    }

    [Fact]
    public async Task Refusals_that_a_module_tells_are_counted_too_when_they_are_many()
    {
        var mal = app.Browser();
        var signedUp = await app.Scenario(_ => _.As(mal).Post.Json(new { name = "Mal", email = "mal.refused@example.com", password = "a password of his" }).ToUrl("/api/auth/sign-up/email"));
        var id = signedUp.Json().GetProperty("user").GetProperty("id").GetString()!;
        for (var time = 0; time < 130; time++)
        {
            await app.Scenario(_ =>
            {
                _.As(mal).Get.Url("/api/auth/admin/list-users");
                _.StatusCodeShouldBe(403);
            });
        }

        await Counted();
        var told = await app.Count("select count(*) from audit.search where actor = $1 and type = 'admin.refused.1'", id);
        var counted = (await app.Sql("select e.canonical from audit.search s join audit.entries e using (position) where s.actor = $1 and s.type = 'access.refused.1'", id))
            .Select(row => JsonDocument.Parse((byte[])row[0]!).RootElement.GetProperty("data")).ToList();
        Assert.InRange(told, AccessRefusals.MostToldOfSession, 130);
        Assert.Equal(130 - told, counted.Sum(data => data.GetProperty("count").GetInt64()));
        Assert.All(counted, data => Assert.Equal("GET /api/auth/admin/list-users", data.GetProperty("route").GetString()));
    }

    private async Task<ScenarioResult> Forged(string url) => await app.Scenario(_ =>
    {
        _.WithRequestHeader("Cookie", $"better-auth.session_token=forged.{new string('A', 43)}%3D");
        _.Get.Url(url);
        _.StatusCodeShouldBe(url.EndsWith("me", StringComparison.Ordinal) ? 401 : 200);
    });

    private async Task<string> Counted()
    {
        var before = await app.Count("select coalesce(max(position), -1) from audit.search");
        await app.Services.GetRequiredService<TellRefusals>().Tell(all: true, CancellationToken.None);
        await app.Settled();
        var rows = await app.Sql("select s.reason, e.canonical from audit.search s join audit.entries e using (position) where s.position > $1 and s.type = 'requests.refused.1'", before);
        return string.Join(", ", rows
            .GroupBy(row => (string)row[0]!, row => JsonDocument.Parse((byte[])row[1]!).RootElement.GetProperty("data").GetProperty("count").GetInt64())
            .Select(kind => $"{kind.Key} {kind.Sum()}").Order(StringComparer.Ordinal));
    }
}
