using Microsoft.Extensions.Configuration;
using Modular.Testing;

namespace Modular.Identity.Tests;

public sealed class PasskeyOptionsTests(PasskeyOptionsTests.Server app) : IClassFixture<PasskeyOptionsTests.Server>
{
    public sealed class Server() : App(new()
    {
        ["Passkey:RpId"] = "example.com",
        ["Passkey:RpName"] = "Example",
        ["Passkey:Origins"] = "https://app.example.com, android:apk-key-hash:k9",
    });

    [Fact]
    public async Task The_domain_its_name_and_the_origins_are_the_operators()
    {
        using SoftAuthenticator web = new(), android = new(), own = new();
        var ada = await app.SignedUp();
        Assert.Equal("""{"name":"Example","id":"example.com"}""", (await app.Registering(ada.Browser)).GetProperty("rp").GetRawText());
        await app.RegisterKey(ada.Browser, web, _ => new Claims("https://app.example.com", "example.com"));
        await app.RegisterKey(ada.Browser, android, _ => new Claims("android:apk-key-hash:k9", "example.com"));
        await app.SignInWith(app.Browser(), web, _ => new Claims("android:apk-key-hash:k9", "example.com"));

        // Set at all, they are all there are.
        await app.RegisterKey(ada.Browser, own, truth => truth with { RpId = "example.com" }, 400);
        await app.RegisterKey(ada.Browser, own, _ => new Claims("https://app.example.com:8443", "example.com"), 400);
        await app.RegisterKey(ada.Browser, own, _ => new Claims("https://app.example.com", "app.example.com"), 400);
    }

    [Theory]
    [InlineData("Passkey:RpId", "https://example.com", "Passkey:RpId must be a domain in lower case such as example.com, it is 'https://example.com'.")]
    [InlineData("Passkey:RpId", "Example.com", "Passkey:RpId must be a domain in lower case such as example.com, it is 'Example.com'.")]
    [InlineData("Passkey:Origins:0", "https://example.com/", "Passkey:Origins: 'https://example.com/' is not an origin such as https://app.example.com or android:apk-key-hash:….")]
    [InlineData("Passkey:Origins:0", "example.com", "Passkey:Origins: 'example.com' is not an origin such as https://app.example.com or android:apk-key-hash:….")]
    [InlineData("Passkey:Origins:0", "https://example.com", null)]
    [InlineData("Passkey:RpId", "localhost", null)]
    public void A_wrong_setting_is_named(string key, string value, string? problem)
    {
        var options = new PasskeyOptions();
        options.Read(new ConfigurationBuilder().AddInMemoryCollection([new(key, value)]).Build());
        Assert.Equal(problem, new PasskeyOptionsValidation().Validate(null, options).FailureMessage);
    }
}

public sealed class PasskeyOriginTests(PasskeyOriginTests.Server app) : IClassFixture<PasskeyOriginTests.Server>
{
    public sealed class Server() : App(new() { ["Auth:TrustedOrigins"] = "http://app.localhost:3000, http://*.apps.localhost" });

    [Theory]
    [InlineData("http://app.localhost:3000", 200)]
    [InlineData("http://a.apps.localhost", 200)]
    [InlineData("http://app.localhost:3001", 400)]
    [InlineData("http://apps.localhost", 400)]
    public async Task Pages_that_are_trusted_may_use_passkeys(string origin, int status)
    {
        using var key = new SoftAuthenticator();
        var ada = await app.SignedUp();
        await app.RegisterKey(ada.Browser, key, truth => truth with { Origin = origin }, status);
    }
}

public sealed class PasskeyGroupTests(PasskeyGroupTests.Server app) : IClassFixture<PasskeyGroupTests.Server>
{
    public sealed class Server() : App(new() { ["Auth:Groups:passkey"] = "false" });

    [Theory]
    [InlineData("generate-register-options", true)]
    [InlineData("generate-authenticate-options", true)]
    [InlineData("list-user-passkeys", true)]
    [InlineData("verify-registration", false)]
    [InlineData("verify-authentication", false)]
    [InlineData("update-passkey", false)]
    [InlineData("delete-passkey", false)]
    public async Task Where_passkeys_are_switched_off_nothing_is_there(string path, bool isGet)
    {
        var ada = await app.SignedUp();
        await app.Scenario(_ =>
        {
            if (isGet)
                _.As(ada.Browser).Get.Url($"/api/auth/passkey/{path}");
            else
                _.As(ada.Browser).Post.Json(new { id = "x", name = "y", response = new { } }).ToUrl($"/api/auth/passkey/{path}");
            _.StatusCodeShouldBe(404);
            _.ContentShouldBe("");
        });
    }
}
