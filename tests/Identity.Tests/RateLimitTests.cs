using Modular.Testing;

namespace Modular.Identity.Tests;

/// <summary>What holds for all nodes together, over PostgreSQL. The first slice that guards a secret stands for all.</summary>
public sealed class RateLimitTests(RateLimitTests.Limited app) : IClassFixture<RateLimitTests.Limited>
{
    private const string TooMany = """{"message":"Too many requests. Please try again later."}""";

    private static int addresses;

    /// <summary>Behind a proxy that is believed, so that a test has addresses of its own.</summary>
    public sealed class Limited() : App(new()
    {
        ["RateLimiting:Enabled"] = "true",
        ["Modular:ForwardedFor"] = "true",
        ["Auth:TrustedOrigins"] = "http://app.localhost:3000",
    });

    /// <summary>Believes nobody.</summary>
    public sealed class Facing() : App(new() { ["RateLimiting:Enabled"] = "true" });

    [Fact]
    public async Task The_fourth_sign_in_within_ten_seconds_is_refused_and_another_address_is_not()
    {
        var address = NewAddress();
        foreach (var _ in Enumerable.Range(0, 3))
            Assert.Equal(401, (await SignIn(app, address)).Status);
        var fourth = await SignIn(app, address);
        Assert.Equal(
            (429, "text/plain; charset=UTF-8", "10", TooMany),
            (fourth.Status, fourth.Header("Content-Type"), fourth.Header("X-Retry-After"), fourth.Body));
        Assert.Equal(401, (await SignIn(app, NewAddress())).Status);
    }

    [Fact]
    public async Task Of_fifty_at_once_on_two_nodes_exactly_three_are_let_through()
    {
        var other = await app.AnotherNode();
        var address = NewAddress();
        var answers = await Task.WhenAll(Enumerable.Range(0, 50).Select(at => SignIn(at % 2 == 0 ? app : other, address)));
        Assert.Equal((3, 47), (answers.Count(answer => answer.Status == 401), answers.Count(answer => answer.Status == 429)));
        await other.DisposeAsync();
    }

    [Fact]
    public async Task Another_node_whose_clock_differs_counts_on()
    {
        var other = await app.AnotherNode();
        other.Clock.Advance(TimeSpan.FromSeconds(-3));
        var address = NewAddress();
        Assert.Equal([401, 401, 401, 429], await InTurn(address, app, other, app, other));
        await other.DisposeAsync();
    }

    [Fact]
    public async Task A_restart_keeps_the_count()
    {
        var address = NewAddress();
        Assert.Equal([401, 401, 401], await InTurn(address, app, app, app));
        await app.Restart();
        Assert.Equal(429, (await SignIn(app, address)).Status);
    }

    [Fact]
    public async Task Each_allowed_request_moves_the_window_and_a_refused_one_does_not()
    {
        var address = NewAddress();
        Assert.Equal([401, 401], await InTurn(address, app, app));
        app.Clock.Advance(TimeSpan.FromSeconds(7));
        Assert.Equal([401, 429], await InTurn(address, app, app));
        // Ten seconds after the first, not after the last that was allowed.
        app.Clock.Advance(TimeSpan.FromSeconds(6));
        var refused = await SignIn(app, address);
        Assert.Equal((429, "4"), (refused.Status, refused.Header("X-Retry-After")));
        app.Clock.Advance(TimeSpan.FromSeconds(4));
        Assert.Equal([401, 401, 401, 429], await InTurn(address, app, app, app, app));
    }

    [Fact]
    public async Task Paths_have_counts_of_their_own_and_a_refusal_comes_before_every_other_check()
    {
        var address = NewAddress();
        foreach (var status in (int[])[400, 400, 400, 429])
            Assert.Equal(status, (await Post(app, address, "/api/auth/sign-up/email", new { })).Status);
        Assert.Equal(401, (await SignIn(app, address)).Status);
    }

    [Fact]
    public async Task Refused_requests_reach_the_database_once()
    {
        var address = NewAddress();
        Assert.Equal([401, 401, 401, 429], await InTurn(address, app, app, app, app));
        var counted = await Rows();
        foreach (var _ in Enumerable.Range(0, 20))
            Assert.Equal(429, (await SignIn(app, address)).Status);
        Assert.Equal(counted, await Rows());
    }

    [Fact]
    public async Task The_table_knows_no_address()
    {
        await SignIn(app, NewAddress());
        Assert.All(await app.Sql("select key, requests from kernel.rate_limits"), row => Assert.Equal(16, ((byte[])row[0]!).Length));
    }

    [Fact]
    public async Task A_page_of_a_trusted_origin_may_read_the_refusal()
    {
        var address = NewAddress();
        await InTurn(address, app, app, app);
        var refused = await app.Scenario(_ =>
        {
            _.WithRequestHeader("Origin", "http://app.localhost:3000");
            _.WithRequestHeader("X-Forwarded-For", address);
            _.Post.Json(new { email = "nobody@example.com", password = "wrong-wrong" }).ToUrl("/api/auth/sign-in/email");
            _.StatusCodeShouldBe(429);
        });
        Assert.Equal("http://app.localhost:3000", refused.Header("Access-Control-Allow-Origin"));
        Assert.Contains("x-retry-after", refused.Header("Access-Control-Expose-Headers"), StringComparison.Ordinal);
    }

    private static string NewAddress() => $"198.51.100.{Interlocked.Increment(ref addresses)}";

    private static Task<ScenarioResult> SignIn(App app, string address) =>
        Post(app, address, "/api/auth/sign-in/email", new { email = People.NewAddress(), password = "wrong-wrong" });

    internal static Task<ScenarioResult> Post<T>(App app, string address, string path, T body) => app.Scenario(_ =>
    {
        _.WithRequestHeader("X-Forwarded-For", address);
        _.Post.Json(body).ToUrl(path);
        _.IgnoreStatusCode();
    });

    private static async Task<IReadOnlyList<int>> InTurn(string address, params App[] nodes)
    {
        var statuses = new List<int>();
        foreach (var node in nodes)
            statuses.Add((await SignIn(node, address)).Status);
        return statuses;
    }

    private async Task<string> Rows() =>
        string.Join('\n', (await app.Sql("select encode(key, 'hex') || xmin::text from kernel.rate_limits order by key")).Select(row => row[0]));

    public sealed class FromAnybody(Facing app) : IClassFixture<Facing>
    {
        [Fact]
        public async Task What_a_client_writes_into_a_header_makes_no_new_key()
        {
            var statuses = new List<int>();
            foreach (var _ in Enumerable.Range(0, 4))
                statuses.Add((await SignIn(app, NewAddress())).Status);
            Assert.Equal([401, 401, 401, 429], statuses);
        }
    }
}
