using Microsoft.Extensions.DependencyInjection;
using Modular.Store;
using Modular.Testing;

namespace Modular.Identity.Tests;

public sealed class SecretBoxTests(App app, OtherApp other) : IClassFixture<App>, IClassFixture<OtherApp>
{
    private SecretBox One => app.Services.GetRequiredService<SecretBox>();

    [Fact]
    public void What_is_sealed_opens_in_its_place_alone()
    {
        var sealedText = One.Seal("a token", "here");
        Assert.Equal("a token", One.Open(sealedText, "here"));
        Assert.Null(One.Open(sealedText, "there"));
        Assert.Null(other.Services.GetRequiredService<SecretBox>().Open(sealedText, "here"));
        Assert.Null(One.Open(sealedText[..^2], "here"));
        Assert.Null(One.Open("not base64url!", "here"));
        Assert.Null(One.Open("", "here"));
        Assert.NotEqual(sealedText, One.Seal("a token", "here"));
    }
}

/// <summary>Another database, with keys of its own under the same secret.</summary>
public sealed class OtherApp : App;

public sealed class VerificationTests(App app) : IClassFixture<App>
{
    private sealed record Ticket(string For);

    [Fact]
    public async Task A_token_is_good_for_its_purpose_until_it_is_used()
    {
        var token = await In(verifications => Task.FromResult(verifications.Issue("a", new Ticket("ada"), TimeSpan.FromHours(1))));
        Assert.Matches("^[A-Za-z0-9_-]{32}$", token);
        Assert.Null(await In(verifications => verifications.Find<Ticket>("b", token, default)));
        Assert.Equal(new Ticket("ada"), await In(verifications => verifications.Find<Ticket>("a", token, default)));
        await In(verifications => Consume(verifications, token));
        Assert.Null(await In(verifications => verifications.Find<Ticket>("a", token, default)));
        await Assert.ThrowsAsync<ConcurrencyException>(() => In(verifications => Consume(verifications, token)));
    }

    [Fact]
    public async Task An_expired_one_is_told_from_none_for_a_day_and_then_removed()
    {
        var token = await In(verifications => Task.FromResult(verifications.Issue("a", new Ticket("ada"), TimeSpan.FromHours(1))));
        app.Clock.Advance(TimeSpan.FromHours(2));
        Assert.Null(await In(verifications => verifications.Find<Ticket>("a", token, default)));
        Assert.True((await In(verifications => verifications.FindEvenExpired<Ticket>("a", token, default)))!.Value.IsExpired);
        var sweep = app.Services.GetRequiredService<VerificationSweep>();
        Assert.Equal(0, await sweep.Sweep(default));

        // Anybody may have these made, so they are kept no longer than they are good for.
        await In(verifications => Task.FromResult(verifications.Issue(ProviderState.Purpose, new Ticket("anybody"), TimeSpan.FromMinutes(10))));
        app.Clock.Advance(TimeSpan.FromMinutes(11));
        Assert.Equal(1, await sweep.Sweep(default));
        app.Clock.Advance(TimeSpan.FromHours(24));
        Assert.InRange(await sweep.Sweep(default), 1, int.MaxValue);
        Assert.Null(await In(verifications => verifications.FindEvenExpired<Ticket>("a", token, default)));
    }

    private static Task<bool> Consume(Verifications verifications, string token)
    {
        verifications.Consume("a", token);
        return Task.FromResult(true);
    }

    private async Task<T> In<T>(Func<Verifications, Task<T>> act)
    {
        await using var scope = app.Services.CreateAsyncScope();
        var result = await act(scope.ServiceProvider.GetRequiredService<Verifications>());
        await scope.ServiceProvider.GetRequiredService<IDocumentSession>().SaveChangesAsync();
        return result;
    }
}
