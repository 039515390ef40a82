using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.FileProviders;
using Microsoft.Extensions.Hosting;

namespace Modular.Kernel.Tests;

public sealed class RateLimitTests
{
    [Theory]
    // Contract §4.
    [InlineData("/sign-in/email", 10, 3, true)]
    [InlineData("/sign-in/social", 10, 3, true)]
    [InlineData("/sign-in/username", 10, 3, true)]
    [InlineData("/sign-in/anonymous", 10, 3, true)]
    [InlineData("/sign-up/email", 10, 3, true)]
    [InlineData("/change-password", 10, 3, true)]
    [InlineData("/change-email", 10, 3, true)]
    [InlineData("/request-password-reset", 60, 3, true)]
    [InlineData("/send-verification-email", 60, 3, true)]
    [InlineData("/forget-password", 60, 3, true)]
    [InlineData("/forget-password/email-otp", 60, 3, true)]
    [InlineData("/email-otp/send-verification-otp", 60, 3, true)]
    [InlineData("/email-otp/request-password-reset", 60, 3, true)]
    [InlineData("/email-otp/check-verification-otp", 60, 3, true)]
    [InlineData("/email-otp/change-email", 60, 3, true)]
    [InlineData("/sign-in/email-otp", 60, 3, true)]
    [InlineData("/two-factor/verify-totp", 10, 3, true)]
    [InlineData("/two-factor/enable", 10, 3, true)]
    [InlineData("/sign-in/magic-link", 60, 5, true)]
    [InlineData("/magic-link/verify", 60, 5, true)]
    // Ours.
    [InlineData("/verify-password", 10, 3, true)]
    [InlineData("/delete-user", 10, 3, true)]
    [InlineData("/delete-user/callback", 10, 3, true)]
    [InlineData("/link-social", 10, 3, true)]
    [InlineData("/unlink-account", 10, 10, true)]
    [InlineData("/refresh-token", 10, 10, true)]
    [InlineData("/get-access-token", 10, 100, false)]
    [InlineData("/account-info", 10, 100, false)]
    [InlineData("/passkey/generate-authenticate-options", 10, 100, false)]
    [InlineData("/reset-password", 10, 10, true)]
    [InlineData("/reset-password/{token}", 10, 10, true)]
    [InlineData("/verify-email", 10, 10, true)]
    [InlineData("/one-time-token/verify", 10, 10, true)]
    [InlineData("/passkey/verify-authentication", 10, 10, true)]
    [InlineData("/api-key/create", 10, 10, true)]
    // Reads, and whatever else.
    [InlineData("/get-session", 10, 10_000, false)]
    [InlineData("/request-password-reset/x", 10, 10_000, false)]
    [InlineData("/two-factor", 10, 10_000, false)]
    [InlineData("/reset", 10, 10_000, false)]
    [InlineData("/{**path}", 10, 10_000, false)]
    public void A_path_is_limited_by_the_most_specific_rule(string path, int seconds, int max, bool exact)
    {
        var limit = RateLimit.For(path, RateLimit.Table);
        Assert.Equal((TimeSpan.FromSeconds(seconds), max, exact), (limit.Window, limit.Max, limit.IsExact));
    }

    [Fact]
    public void Limits_are_on_outside_Development() => Assert.Equal(
        [true, true, false, true, false],
        [
            Read("Production").Enabled, Read("Staging").Enabled, Read("Development").Enabled,
            Read("Development", ("RateLimiting:Enabled", "true")).Enabled, Read("Production", ("RateLimiting:Enabled", "false")).Enabled,
        ]);

    [Fact]
    public void An_operator_changes_a_rule_or_adds_a_more_specific_one()
    {
        var rules = Read(
            "Production",
            ("RateLimiting:Rules:/sign-in*:Max", "20"), ("RateLimiting:Rules:/sign-in/email:Window", "0:01:00"),
            ("RateLimiting:Rules:*:Max", "500"), ("RateLimiting:Rules:/jwks:Max", "7")).Rules;
        Assert.Equal(new RateLimit("/sign-in*", TimeSpan.FromSeconds(10), 20, IsExact: true), RateLimit.For("/sign-in/social", rules));
        Assert.Equal(new RateLimit("/sign-in/email", TimeSpan.FromMinutes(1), 3, IsExact: true), RateLimit.For("/sign-in/email", rules));
        Assert.Equal(new RateLimit("/sign-in/magic-link*", TimeSpan.FromMinutes(1), 5, IsExact: true), RateLimit.For("/sign-in/magic-link", rules));
        Assert.Equal(new RateLimit("/jwks", TimeSpan.FromSeconds(10), 7, IsExact: false), RateLimit.For("/jwks", rules));
        Assert.Equal(new RateLimit("*", TimeSpan.FromSeconds(10), 500, IsExact: false), RateLimit.For("/get-session", rules));
    }

    [Theory]
    [InlineData("RateLimiting:Rules:sign-in:Max", "3")]
    [InlineData("RateLimiting:Rules:/sign*in:Max", "3")]
    [InlineData("RateLimiting:Rules:/sign-in*:Maximum", "3")]
    [InlineData("RateLimiting:Rules:/sign-in*:Max", "0")]
    [InlineData("RateLimiting:Rules:/sign-in*:Max", "-1")]
    [InlineData("RateLimiting:Rules:/sign-in*:Max", "many")]
    [InlineData("RateLimiting:Rules:/sign-in*:Window", "0:00:00")]
    [InlineData("RateLimiting:Rules:/sign-in*:Window", "2.00:00:00")]
    [InlineData("RateLimiting:Rules:/sign-in*:Window", "soon")]
    public void A_wrong_setting_stops_the_start_with_its_name(string key, string value)
    {
        var result = new RateLimitOptionsValidation().Validate(null, Read("Production", (key, value)));
        var rule = key[..key.LastIndexOf(':')];
        Assert.Contains(rule, result.FailureMessage, StringComparison.Ordinal);
    }

    private static RateLimitOptions Read(string environment, params (string Key, string? Value)[] settings)
    {
        var options = new RateLimitOptions();
        options.Read(
            new ConfigurationBuilder().AddInMemoryCollection(settings.ToDictionary(setting => setting.Key, setting => setting.Value)).Build(),
            new Somewhere { EnvironmentName = environment });
        return options;
    }

    private sealed class Somewhere : IHostEnvironment
    {
        public string EnvironmentName { get; set; } = "";

        public string ApplicationName { get; set; } = "";

        public string ContentRootPath { get; set; } = "";

        public IFileProvider ContentRootFileProvider { get; set; } = new NullFileProvider();
    }
}

/// <summary>What is counted in memory; the exact limits are tested over PostgreSQL, in Identity.Tests.</summary>
public sealed class LocalLimitTests
{
    private const string Address = "192.0.2.1";

    private static readonly DateTimeOffset Noon = new(2026, 1, 1, 12, 0, 0, TimeSpan.Zero);
    private static readonly LimitedPath GetSession = new("/get-session", new RateLimit("*", TimeSpan.FromSeconds(10), 100, IsExact: false));

    private readonly LocalLimit limit = new(new Deadlines(places: 1 << 10));

    [Fact]
    public void A_full_allowance_may_be_used_at_once_and_comes_back_bit_by_bit()
    {
        Assert.Equal(100, Allowed(Address, 1_000, Noon));
        Assert.Equal(TimeSpan.FromMilliseconds(100), limit.Count(GetSession, Address, Noon));
        Assert.Equal(10, Allowed(Address, 1_000, Noon.AddSeconds(1)));
        Assert.Equal(100, Allowed(Address, 1_000, Noon.AddSeconds(30)));
    }

    [Fact]
    public void A_steady_caller_below_the_rate_is_never_refused()
    {
        for (var request = 0; request < 10_000; request++)
            Assert.Equal(TimeSpan.Zero, limit.Count(GetSession, Address, Noon.AddMilliseconds(100 * request)));
    }

    [Fact]
    public void Addresses_and_paths_have_counts_of_their_own()
    {
        Assert.Equal(100, Allowed(Address, 200, Noon));
        Assert.Equal(100, Allowed("192.0.2.2", 200, Noon));
        Assert.Equal(TimeSpan.Zero, limit.Count(new LimitedPath("/list-sessions", GetSession.Limit), Address, Noon));
    }

    [Fact]
    public void Whose_address_is_unknown_shares_one_count()
    {
        Assert.Equal(100, Enumerable.Range(0, 200).Count(_ => limit.Count(GetSession, null, Noon) == TimeSpan.Zero));
    }

    [Fact]
    public void A_clock_that_is_set_back_locks_nobody_out()
    {
        Assert.Equal(100, Allowed(Address, 100, Noon));
        Assert.Equal(100, Allowed(Address, 200, Noon.AddHours(-1)));
    }

    [Fact]
    public async Task Many_at_once_are_let_through_as_often_as_the_limit_says()
    {
        var allowed = await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => Task.Run(() => Allowed(Address, 1_000, Noon))));
        Assert.Equal(100, allowed.Sum());
    }

    [Fact]
    public void A_flood_of_addresses_takes_no_more_memory_and_makes_nobody_forgotten_who_has_used_up_a_limit()
    {
        Assert.Equal(100, Allowed(Address, 100, Noon));
        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var flood = 0; flood < 1_000_000; flood++)
            limit.Count(GetSession, Some(flood), Noon);
        // The addresses' own texts are all there is.
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 80_000_000);
        Assert.NotEqual(TimeSpan.Zero, limit.Count(GetSession, Address, Noon));
    }

    [Fact]
    public void Counting_allocates_nothing()
    {
        limit.Count(GetSession, Address, Noon);
        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var request = 0; request < 10_000; request++)
            limit.Count(GetSession, Address, Noon.AddMilliseconds(100 * request));
        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
    }

    private static string Some(int number) => $"2001:db8:{number >> 16:x}:{number & 0xffff:x}::";

    private int Allowed(string address, int requests, DateTimeOffset at) =>
        Enumerable.Range(0, requests).Count(_ => limit.Count(GetSession, address, at) == TimeSpan.Zero);
}

/// <summary>Over HTTP, on a server whose database is not there.</summary>
public sealed class RateLimitingWithoutDatabase
{
    // Five seconds, or what is left of them on a busy machine.
    private const string TooMany =
        "^429\ncontent-type: text/plain; charset=UTF-8\nx-retry-after: [345]\n" + """\{"message":"Too many requests\. Please try again later\."}$""";

    [Fact]
    public async Task No_attempt_at_a_secret_is_let_through_and_reads_go_on()
    {
        await using var app = await Limited();
        var answer = await app.Send("POST", "/api/auth/sign-in/email", """{"email":"a@example.com","password":"x"}""");
        Assert.StartsWith("503\n", answer, StringComparison.Ordinal);
        Assert.EndsWith("""{"message":"Service unavailable","code":"SERVICE_UNAVAILABLE"}""", answer, StringComparison.Ordinal);
        Assert.StartsWith("200\n", await app.Send("GET", "/api/auth/ok"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_limit_comes_before_every_other_check()
    {
        await using var app = await Limited(("RateLimiting:Rules:/names:Max", "2"));
        Assert.StartsWith("415\n", await app.Send("POST", "/api/auth/names", "x", "text/plain"), StringComparison.Ordinal);
        Assert.StartsWith("400\n", await app.Send("POST", "/api/auth/names", "{"), StringComparison.Ordinal);
        Assert.Matches(TooMany, await app.Send("POST", "/api/auth/names", "x", "text/plain"));
    }

    [Theory]
    [InlineData("/reset*", "/api/auth/reset/one", "/api/auth/reset/two", "/api/auth/reset/three")]
    [InlineData("*", "/api/auth/nothing", "/api/auth/nowhere", "/api/auth/no-one/ever")]
    public async Task A_path_with_a_parameter_and_paths_that_do_not_exist_are_one_key(string rule, string first, string second, string third)
    {
        await using var app = await Limited(($"RateLimiting:Rules:{rule}:Max", "2"));
        await app.Send("GET", first);
        await app.Send("GET", second);
        Assert.Matches(TooMany, await app.Send("GET", third));
    }

    [Fact]
    public async Task Only_the_auth_surface_is_limited()
    {
        await using var app = await Limited(("RateLimiting:Rules:*:Max", "1"));
        foreach (var _ in Enumerable.Range(0, 3))
            Assert.StartsWith("404\n", await app.Send("GET", "/api/nothing"), StringComparison.Ordinal);
    }

    private static Task<App> Limited(params (string Key, string? Value)[] settings) =>
        App.Start(new(settings.ToDictionary(setting => setting.Key, setting => setting.Value)) { ["RateLimiting:Enabled"] = "true" });
}
