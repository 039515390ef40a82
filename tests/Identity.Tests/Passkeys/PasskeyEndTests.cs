using Microsoft.Extensions.DependencyInjection;
using Modular.Testing;

namespace Modular.Identity.Tests;

/// <summary>No passkey outlives its user, and none that an intruder has left behind outlives what the owner does about it.</summary>
public sealed class PasskeyEndTests(App app) : IClassFixture<App>
{
    [Fact]
    public async Task With_a_user_go_their_passkeys_and_challenges()
    {
        using var key = new SoftAuthenticator();
        var ada = await app.SignedUp();
        await app.RegisterKey(ada.Browser, key, more: ("name", "laptop"));
        await app.Registering(ada.Browser);
        await app.Scenario(_ => _.As(ada.Browser).Post.Json(new { }).ToUrl("/api/auth/delete-user"));
        foreach (var table in (string[])["identity.mt_doc_passkey", "identity.mt_doc_verification"])
            Assert.Equal(0, await app.Count($"select count(*) from {table} where user_id = $1", ada.Id));
        Assert.Equal(PasskeyUse.NotFound, (await app.SignInWith(app.Browser(), key, status: 401)).Body);
    }

    [Fact]
    public async Task Whoever_is_deleted_while_they_register_or_sign_in_leaves_nothing_behind()
    {
        for (var round = 0; round < 8; round++)
        {
            using SoftAuthenticator old = new(), young = new();
            var ada = await app.SignedUp();
            await app.RegisterKey(ada.Browser, old);
            var made = young.Attest(await app.Registering(ada.Browser), app.Truth());
            var registering = new Browser(app.Url);
            foreach (var (name, value) in ada.Browser.Cookies)
                registering.Put(name, value);
            await Task.WhenAll(
                app.Scenario(_ =>
                {
                    _.As(ada.Browser).Post.Json(new { }).ToUrl("/api/auth/delete-user");
                    _.IgnoreStatusCode();
                }),
                app.Bring(registering, "registration", made, null),
                app.SignInWith(app.Browser(), old, status: null),
                app.SignInWith(app.Browser(), old, status: null));
            await app.Scenario(_ =>
            {
                _.As(ada.Browser).Post.Json(new { }).ToUrl("/api/auth/delete-user");
                _.IgnoreStatusCode();
            });
            await app.Settled();
            foreach (var table in (string[])["identity.mt_doc_passkey", "sessions.mt_doc_session"])
                Assert.True(await app.Count($"select count(*) from {table} where user_id = $1", ada.Id) == 0, table);
        }
    }

    [Fact]
    public async Task A_session_that_has_ended_registers_nothing()
    {
        using var key = new SoftAuthenticator();
        var ada = await app.SignedUp();
        var made = key.Attest(await app.Registering(ada.Browser), app.Truth());
        await app.Scenario(_ => _.As(ada.Browser).Post.Json(new { }).ToUrl("/api/auth/revoke-sessions"));
        await app.Bring(ada.Browser, "registration", made, 401);
        Assert.Equal(0, await app.Count("select count(*) from identity.mt_doc_passkey where user_id = $1", ada.Id));
    }

    /// <summary>Somebody registers a stranger's address and leaves a passkey.</summary>
    [Fact]
    public async Task Whoever_resets_the_password_of_an_address_that_was_never_verified_gets_rid_of_an_intruders_passkey()
    {
        using SoftAuthenticator key = new(), own = new();
        var intruder = await app.SignedUp();
        var id = (await app.RegisterKey(intruder.Browser, key)).Json().GetProperty("id").GetString();
        await Reset(intruder.Email);
        Assert.Equal(PasskeyUse.NotFound, (await app.SignInWith(app.Browser(), key, status: 401)).Body);
        Assert.Equal(["passkey.added.1", "passkey.removed.1"], await app.EventsOf($"passkey:{id}"));
        Assert.Equal(["password_reset"], await app.Reasons("passkey.removed.1", intruder.Id));

        // A verified owner keeps theirs.
        var ada = await app.SignedUp();
        await app.RegisterKey(ada.Browser, own);
        await app.Post("/api/auth/send-verification-email", new() { ["email"] = ada.Email });
        var link = await app.LinkTo(ada.Email);
        await app.Scenario(_ =>
        {
            _.Get.Url(link);
            _.IgnoreStatusCode();
        });
        await Reset(ada.Email);
        await app.SignInWith(app.Browser(), own);
    }

    [Fact]
    public async Task Challenges_that_nobody_used_are_swept_away()
    {
        await app.SigningIn(app.Browser());
        app.Clock.Advance(TimeSpan.FromMinutes(6));
        await app.Services.GetRequiredService<VerificationSweep>().Sweep(CancellationToken.None);
        Assert.Equal(0, await app.Count("select count(*) from identity.mt_doc_verification where purpose like 'passkey%'"));
    }

    private async Task Reset(string address)
    {
        await app.Post("/api/auth/request-password-reset", new() { ["email"] = address });
        var token = (await app.LinkTo(address)).Split('?')[0].Split('/')[^1];
        await app.Post("/api/auth/reset-password", new() { ["token"] = token, ["newPassword"] = "a-new-password-1" });
    }
}

/// <summary>Where signing up again with an address that is not verified yet sends the mail once more.</summary>
public sealed class PasskeyOfIntruderTests(PasskeyOfIntruderTests.Server app) : IClassFixture<PasskeyOfIntruderTests.Server>
{
    public sealed class Server() : App(new() { ["Auth:AutoSignIn"] = "false", ["Auth:SendVerificationOnSignUp"] = "true" });

    [Fact]
    public async Task Whoever_signs_up_again_and_verifies_the_address_gets_rid_of_an_intruders_passkey()
    {
        using var key = new SoftAuthenticator();
        var body = People.SigningUp(("password", "the-intruders-own-1"));
        var (email, intruder) = ((string)body["email"]!, app.Browser());
        await app.SignUp(body);
        await app.Scenario(_ => _.As(intruder).Post.Json(new { email, password = "the-intruders-own-1" }).ToUrl("/api/auth/sign-in/email"));
        await app.RegisterKey(intruder, key);

        await app.SignUp(People.SigningUp(("email", email)));
        var link = await app.LinkTo(email);
        await app.Scenario(_ =>
        {
            _.Get.Url(link);
            _.IgnoreStatusCode();
        });

        Assert.Equal(PasskeyUse.NotFound, (await app.SignInWith(app.Browser(), key, status: 401)).Body);
        await app.SignIn(email);
    }
}
