using Modular.Testing;

namespace Modular.Host.Tests;

public sealed class CrossOriginTests(CrossOriginTests.Trusting app) : IClassFixture<CrossOriginTests.Trusting>
{
    private const string Page = "https://app.example.com";

    public sealed class Trusting() : App(new Dictionary<string, string?> { ["Auth:TrustedOrigins:0"] = Page });

    [Theory]
    [InlineData("/api/auth/get-session", 200)]
    [InlineData("/api/profiles/me", 401)]
    [InlineData("/api/auth/nothing", 404)]
    public async Task A_page_of_a_trusted_origin_may_read_every_answer(string path, int status) => await app.Scenario(_ =>
    {
        _.Get.Url(path);
        _.WithRequestHeader("Origin", Page);
        _.StatusCodeShouldBe(status);
        _.HeaderShouldBe("Access-Control-Allow-Origin", Page);
        _.HeaderShouldBe("Access-Control-Allow-Credentials", "true");
        _.HeaderShouldBe("Vary", "Origin");
    });

    [Fact]
    public async Task Its_browser_may_ask_before_it_posts_json() => await app.Scenario(_ =>
    {
        _.Options.Url("/api/auth/sign-in/email");
        _.WithRequestHeader("Origin", Page);
        _.WithRequestHeader("Access-Control-Request-Method", "POST");
        _.WithRequestHeader("Access-Control-Request-Headers", "content-type");
        _.StatusCodeShouldBe(204);
        _.HeaderShouldBe("Access-Control-Allow-Origin", Page);
        _.HeaderShouldBe("Access-Control-Allow-Headers", "content-type, authorization, if-match, x-organization-id, x-tenant-id");
        _.ContentShouldBe("");
    });

    [Theory]
    [InlineData("https://evil.example.com")]
    [InlineData("https://app.example.com.evil.com")]
    [InlineData("null")]
    public async Task Any_other_page_is_told_nothing(string origin)
    {
        await app.Scenario(_ =>
        {
            _.Get.Url("/api/auth/get-session");
            _.WithRequestHeader("Origin", origin);
            _.HeaderShouldBe("Access-Control-Allow-Origin", null);
        });
        await app.Scenario(_ =>
        {
            _.Options.Url("/api/auth/sign-in/email");
            _.WithRequestHeader("Origin", origin);
            _.WithRequestHeader("Access-Control-Request-Method", "POST");
            _.StatusCodeShouldBe(404);
            _.HeaderShouldBe("Access-Control-Allow-Origin", null);
        });
    }

    [Fact]
    public async Task What_is_no_API_is_not_shared() => await app.Scenario(_ =>
    {
        _.Get.Url("/docs");
        _.WithRequestHeader("Origin", Page);
        _.HeaderShouldBe("Access-Control-Allow-Origin", null);
    });
}
