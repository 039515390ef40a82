using MediatR;
using Microsoft.Extensions.DependencyInjection;
using Modular.Identity.Contracts;
using Modular.Testing;

namespace Modular.Identity.Tests;

public sealed class ResetTwoFactorTests(App app) : IClassFixture<App>
{
    [Fact]
    public async Task Somebody_who_has_lost_everything_comes_in_by_their_password_again_and_is_told()
    {
        var ada = await app.Protected();
        Assert.True(await app.IsIn(ada.Browser));
        Assert.Contains("twoFactorRedirect", (await app.Knock(app.Browser(), ada.Email)).Body, StringComparison.Ordinal);

        Assert.Equal(new TwoFactorWasReset(ada.Id, null), await Reset(ada.Email.ToUpperInvariant()));
        Assert.False(await app.IsIn(ada.Browser), "whoever sat there proves who they are again");
        var browser = app.Browser();
        Assert.DoesNotContain("twoFactorRedirect", (await app.Knock(browser, ada.Email)).Body, StringComparison.Ordinal);
        Assert.True(await app.IsIn(browser));
        await app.Factor(browser, "verify-backup-code", new { code = ada.Codes[0] }, 400);
        await app.Settled();
        Assert.Contains("two_factor.disabled.1", await app.FactorEvents(ada.Id));
        Assert.Equal(1, await app.Count("select count(*) from audit.search where type = 'two_factor.disabled.1' and subject = $1 and reason = 'by_operator'", ada.Id));
        Assert.NotEmpty(await app.MailsTo(ada.Email));

        Assert.Equal($"{ada.Id} has no second factor that could be reset.", (await Reset(ada.Email)).Problem);
        Assert.Equal("Nobody has the address 'nobody.at.all@example.com'.", (await Reset("nobody.at.all@example.com")).Problem);
    }

    private async Task<TwoFactorWasReset> Reset(string email)
    {
        await using var scope = app.Services.CreateAsyncScope();
        return await scope.ServiceProvider.GetRequiredService<IMediator>().Send(new Contracts.ResetTwoFactor(email));
    }
}
