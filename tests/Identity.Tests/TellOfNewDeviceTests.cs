using Modular.Testing;

namespace Modular.Identity.Tests;

public sealed class TellOfNewDeviceTests(App app) : IClassFixture<App>
{
    private const string Firefox = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0";
    private const string Safari = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) Version/18.0 Safari/604.1";

    [Fact]
    public async Task A_second_device_is_told_once_even_if_it_signs_out_at_once()
    {
        var body = People.SigningUp();
        var email = (string)body["email"]!;
        await app.Scenario(_ =>
        {
            _.WithRequestHeader("User-Agent", Firefox);
            _.Post.Json(body).ToUrl("/api/auth/sign-up/email");
        });
        await SignIn(email, Firefox);
        Assert.Empty(await app.MailsTo(email));

        var browser = app.Browser();
        await SignIn(email, Safari, browser);
        await app.Scenario(_ => _.As(browser).Post.Json(new { }).ToUrl("/api/auth/sign-out"));
        await SignIn(email, Safari);
        var mail = Assert.Single(await app.MailsTo(email));
        Assert.Equal("A new device signed in to your account at 127.0.0.1", mail.Subject());
        Assert.Contains("Device: Safari on iPhone\nAddress: 127.0.0.1\n", mail.GetProperty("text").GetString()!, StringComparison.Ordinal);
    }

    private Task<ScenarioResult> SignIn(string email, string userAgent, Browser? browser = null) => app.Scenario(_ =>
    {
        _.WithRequestHeader("User-Agent", userAgent);
        (browser is null ? _ : _.As(browser)).Post.Json(new { email, password = People.Password }).ToUrl("/api/auth/sign-in/email");
    });
}
