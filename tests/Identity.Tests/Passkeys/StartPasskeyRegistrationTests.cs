using System.Buffers.Text;
using System.Text;
using Modular.Testing;

namespace Modular.Identity.Tests;

public sealed class StartPasskeyRegistrationTests(App app) : IClassFixture<App>
{
    [Fact]
    public async Task The_browser_is_told_how_to_make_a_passkey_and_gets_the_cookie_of_its_challenge()
    {
        var ada = await app.SignedUp();
        var result = await app.Scenario(_ => _.As(ada.Browser)
            .Get.Url("/api/auth/passkey/generate-register-options?name=my-key&authenticatorAttachment=platform&context=x"));
        var (options, host) = (result.Json(), new Uri(app.Url).Host);
        var challenge = options.GetProperty("challenge").GetString()!;
        Assert.Equal(32, Base64Url.DecodeFromChars(challenge).Length);
        Assert.Equal(
            $$$"""{"rp":{"name":"{{{host}}}","id":"{{{host}}}"},"user":{"id":"{{{Base64Url.EncodeToString(Encoding.UTF8.GetBytes(ada.Id))}}}","name":"my-key","displayName":"{{{ada.Email}}}"},"challenge":"{{{challenge}}}","pubKeyCredParams":[{"type":"public-key","alg":-7},{"type":"public-key","alg":-257}],"timeout":60000,"excludeCredentials":[],"authenticatorSelection":{"authenticatorAttachment":"platform","residentKey":"preferred","requireResidentKey":false,"userVerification":"preferred"},"hints":[],"attestation":"none","extensions":{"credProps":true}}""",
            result.Body);
        Assert.Matches(
            "^better-auth\\.better-auth-passkey=[A-Za-z0-9_-]{32}\\.[A-Za-z0-9%]+%3D; Max-Age=300; Path=/; HttpOnly; SameSite=Lax$",
            Assert.Single(result.SetCookies));
    }

    [Fact]
    public async Task Without_a_name_the_account_is_called_by_its_address_and_what_is_remembered_names_nobody()
    {
        var ada = await app.SignedUp();
        Assert.Equal(ada.Email, (await app.Registering(ada.Browser)).GetProperty("user").GetProperty("name").GetString());
        var row = Assert.Single(await app.Sql(
            "select purpose, data::text, extract(epoch from expires_at - (data ->> 'createdAt')::timestamptz)::int from identity.mt_doc_verification where user_id = $1", ada.Id));
        Assert.Equal(("passkey-registration", 300), ((string)row[0]!, (int)row[2]!));
        Assert.DoesNotContain(ada.Email, (string)row[1]!, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Passkeys_that_are_there_already_are_not_made_again()
    {
        using var key = new SoftAuthenticator();
        var ada = await app.SignedUp();
        await app.RegisterKey(ada.Browser, key);
        var excluded = Assert.Single((await app.Registering(ada.Browser)).GetProperty("excludeCredentials").EnumerateArray());
        Assert.Equal($$"""{"type":"public-key","id":"{{key.IdText}}","transports":["internal","hybrid"]}""", excluded.GetRawText());
    }

    [Fact]
    public async Task Nobody_and_whoever_signed_in_long_ago_are_refused()
    {
        await app.Scenario(_ =>
        {
            _.Get.Url("/api/auth/passkey/generate-register-options");
            _.StatusCodeShouldBe(401);
            _.ContentShouldBe("""{"message":"Unauthorized","code":"UNAUTHORIZED"}""");
        });
        var ada = await app.SignedUp();
        await app.Sql("update sessions.mt_doc_session set created_at = '2020-01-01' where user_id = $1", ada.Id);
        await app.Scenario(_ =>
        {
            _.As(ada.Browser).Get.Url("/api/auth/passkey/generate-register-options");
            _.StatusCodeShouldBe(403);
            _.ContentShouldBe(PasskeyUse.NotFresh);
        });
        await app.AskPasskey(ada.Browser, "verify-registration", new { response = new { } }, 403);
        Assert.Equal(["register session_not_fresh", "register session_not_fresh"], await app.PasskeysRefused(ada.Id));
    }

    [Theory]
    [InlineData("?authenticatorAttachment=cloud", @"[query.authenticatorAttachment] Invalid option: expected one of \""platform\""|\""cross-platform\""")]
    [InlineData("?name=a&name=b", "[query.name] Invalid input: expected string, received array")]
    public async Task What_is_asked_for_is_checked_first(string query, string message) => await app.Scenario(_ =>
    {
        _.Get.Url($"/api/auth/passkey/generate-register-options{query}");
        _.StatusCodeShouldBe(400);
        _.ContentShouldBe($$"""{"message":"{{message}}","code":"VALIDATION_ERROR"}""");
    });

    [Fact]
    public void Whoever_acts_as_somebody_else_leaves_no_passkey_behind()
    {
        var now = new DateTimeOffset(2026, 1, 1, 12, 0, 0, TimeSpan.Zero);
        var session = new Kernel.ActiveSession("s", "ada", null, [], now);
        Assert.True(Passkey.MayBeAddedBy(session, now));
        Assert.False(Passkey.MayBeAddedBy(session, now.AddDays(1).AddTicks(1)));
        Assert.False(Passkey.MayBeAddedBy(session with { ImpersonatedBy = "root" }, now));
    }
}
