using Modular.Testing;

namespace Modular.Host.Tests;

public sealed class SecurityHeadersTests(App app) : IClassFixture<App>
{
    [Theory]
    [InlineData("/api/auth/get-session", 200)]
    [InlineData("/api/auth/nothing", 404)]
    [InlineData("/api/profiles/me", 401)]
    [InlineData("/healthz/live", 200)]
    public async Task Every_answer_carries_them(string path, int status) => await app.Scenario(_ =>
    {
        _.Get.Url(path);
        _.StatusCodeShouldBe(status);
        _.HeaderShouldBe("X-Content-Type-Options", "nosniff");
        _.HeaderShouldBe("X-Frame-Options", "DENY");
        _.HeaderShouldBe("Referrer-Policy", "same-origin");
        _.HeaderShouldBe("Strict-Transport-Security", null);
        _.HeaderShouldBe("Server", null);
    });

    [Fact]
    public async Task A_page_keeps_the_policy_it_brings()
    {
        var page = await app.Scenario(_ => _.Get.Url("/api/auth/error"));
        Assert.StartsWith("text/html", page.Header("Content-Type"), StringComparison.Ordinal);
        Assert.StartsWith("default-src 'none'", page.Header("Content-Security-Policy"), StringComparison.Ordinal);
        Assert.Equal("DENY", page.Header("X-Frame-Options"));
    }
}

public sealed class SecurityHeadersBehindHttps(SecurityHeadersBehindHttps.Public app) : IClassFixture<SecurityHeadersBehindHttps.Public>
{
    public sealed class Public() : App(new Dictionary<string, string?> { ["Auth:BaseUrl"] = "https://auth.example.com" });

    [Fact]
    public async Task A_public_https_address_asks_browsers_to_stay_with_it() => await app.Scenario(_ =>
    {
        _.Get.Url("/api/auth/ok");
        _.HeaderShouldBe("Strict-Transport-Security", "max-age=31536000");
    });
}
