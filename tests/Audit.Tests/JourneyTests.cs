using Modular.Testing;

namespace Modular.Audit.Tests;

/// <summary>The log of what real people do: no module of these tests' own.</summary>
public sealed class JourneyTests(AdministeredApp app) : IClassFixture<AdministeredApp>
{
    [Fact]
    public async Task An_administrator_finds_a_failed_sign_in_that_its_victim_sees_too()
    {
        var ada = app.Browser();
        var signedUp = await app.Scenario(_ =>
        {
            _.As(ada).Post.Json(new { name = "Ada", email = "ada@example.com", password = "correct horse" }).ToUrl("/api/auth/sign-up/email");
        });
        await SignIn(app.Browser(), "ada@example.com", "wrong horse!", 401);
        var admin = app.Browser();
        await SignIn(admin, AdministeredApp.Email, AdministeredApp.Password, 200);
        await app.Settled();

        var id = signedUp.Json().GetProperty("user").GetProperty("id").GetString();
        var found = (await app.Scenario(_ => _.As(admin).Get.Url($"/api/audit/entries?outcome=refused&subject={id}"))).Json();
        var entry = Assert.Single(found.GetProperty("entries").EnumerateArray());
        Assert.Equal(("identity", "127.0.0.1"), (entry.GetProperty("module").GetString(), entry.GetProperty("ip").GetString()));
        var own = (await app.Scenario(_ => _.As(ada).Get.Url("/api/audit/me?outcome=refused"))).Json();
        Assert.Equal(entry.GetProperty("position").GetInt64(), Assert.Single(own.GetProperty("entries").EnumerateArray()).GetProperty("position").GetInt64());
        await app.Scenario(_ =>
        {
            _.As(ada).Get.Url("/api/audit/entries");
            _.StatusCodeShouldBe(403);
        });
    }

    private Task<ScenarioResult> SignIn(Browser browser, string email, string password, int status) => app.Scenario(_ =>
    {
        _.As(browser).Post.Json(new { email, password }).ToUrl("/api/auth/sign-in/email");
        _.StatusCodeShouldBe(status);
    });
}

/// <summary>A server with a first administrator.</summary>
public sealed class AdministeredApp : App
{
    public const string Email = "root@example.com";
    public const string Password = "a password of root";

    public AdministeredApp()
        : base(new Dictionary<string, string?> { ["Admin:Email"] = Email, ["Admin:Password"] = Password })
    {
    }
}
