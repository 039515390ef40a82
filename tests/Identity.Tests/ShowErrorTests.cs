using Modular.Testing;

namespace Modular.Identity.Tests;

public sealed class ShowErrorTests
{
    [Theory]
    [InlineData("state_mismatch", "state_mismatch")]
    [InlineData("it's-9", "it's-9")]
    [InlineData("<script>", "UNKNOWN")]
    [InlineData("two words", "UNKNOWN")]
    [InlineData("line\n", "UNKNOWN")]
    [InlineData("", "UNKNOWN")]
    [InlineData(null, "UNKNOWN")]
    public void A_code_that_could_be_markup_is_unknown(string? given, string code) => Assert.Equal(code, ShowError.Code(given));

    [Theory]
    [InlineData("some_code", null, "/?error=some_code")]
    [InlineData("some_code", "why", "/?error=some_code&error_description=why")]
    [InlineData("it's", "a & b=~*(ü)", "/?error=it%27s&error_description=a+%26+b%3D%7E*%28%C3%BC%29")]
    public void Outside_Development_the_application_is_told(string code, string? description, string target) =>
        Assert.Equal(target, ShowError.Target(code, description));

    [Fact]
    public void A_description_cannot_be_markup() =>
        Assert.DoesNotContain("<img", ShowError.Html("x", "<img src=x onerror=alert(1)>"), StringComparison.Ordinal);
}

public sealed class ShowErrorOverHttp(App app) : IClassFixture<App>
{
    [Fact]
    public async Task In_Development_it_is_a_page()
    {
        var result = await app.Scenario(_ => _.Get.Url("/api/auth/error?error=some_code&error_description=why%20not"));
        Assert.Equal("text/html; charset=utf-8", result.Header("Content-Type"));
        Assert.Equal("default-src 'none'; style-src 'unsafe-inline'", result.Header("Content-Security-Policy"));
        Assert.Contains("some_code", result.Body, StringComparison.Ordinal);
        Assert.Contains("why not", result.Body, StringComparison.Ordinal);
    }
}
