using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

namespace Modular.Kernel.Tests;

public sealed class RateLimitSweepTests(RateLimitSweepTests.Limited app) : IClassFixture<RateLimitSweepTests.Limited>
{
    public sealed class Limited() : Testing.App(new() { ["RateLimiting:Enabled"] = "true", ["Modular:ForwardedFor"] = "true" });

    [Fact]
    public async Task What_is_over_is_swept_and_what_is_not_stays()
    {
        await SignUp("198.51.100.1");
        app.Clock.Advance(TimeSpan.FromSeconds(11));
        await SignUp("198.51.100.2");
        Assert.Equal(2, await app.Count("select count(*) from kernel.rate_limits"));
        var sweep = app.Services.GetServices<IHostedService>().OfType<RateLimitSweep>().Single();
        Assert.Equal(1, await sweep.Sweep(CancellationToken.None));
        Assert.Equal(1, await app.Count("select count(*) from kernel.rate_limits where window_ends > $1", app.Clock.GetUtcNow().UtcDateTime));
    }

    private Task<Testing.ScenarioResult> SignUp(string address) => app.Scenario(_ =>
    {
        _.WithRequestHeader("X-Forwarded-For", address);
        _.Post.Json(new { }).ToUrl("/api/auth/sign-up/email");
        _.StatusCodeShouldBe(400);
    });
}
