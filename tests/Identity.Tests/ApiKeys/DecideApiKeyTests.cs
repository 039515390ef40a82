namespace Modular.Identity.Tests;

public sealed class DecideApiKeyTests
{
    private static readonly DateTimeOffset Now = new(2026, 11, 25, 12, 0, 0, TimeSpan.Zero);
    private static readonly User Owner = new("u", "Ada", "ada@example.com", true, null, Now, Now, "user");
    private static readonly ApiKey Key = new(
        "k", "u", "h", null, null, "abcdef", true, null, null, null, null, null, true, 1000, 2, Now.AddDays(-1), Now.AddDays(-1));

    private static readonly ApiKeyUse Unused = new(null, null, 0, null);

    [Fact]
    public void A_key_expires_at_its_instant()
    {
        Assert.Null(Decide(Key with { ExpiresAt = Now.AddTicks(1) }, Unused));
        Assert.Equal("KEY_EXPIRED", Decide(Key with { ExpiresAt = Now }, Unused));
    }

    [Fact]
    public void The_owners_ban_is_over_at_its_end()
    {
        Assert.Equal("USER_BANNED", Decide(Key, Unused, Owner with { Banned = true }));
        Assert.Equal("USER_BANNED", Decide(Key, Unused, Owner with { Banned = true, BanExpires = Now.AddTicks(1) }));
        Assert.Null(Decide(Key, Unused, Owner with { Banned = true, BanExpires = Now }));
    }

    [Fact]
    public void What_is_used_up_is_refused_until_it_is_refilled()
    {
        var refilled = Key with { RefillAmount = 1, RefillInterval = 1000 };
        Assert.Equal("USAGE_EXCEEDED", Decide(Key, Unused with { Remaining = 0 }));
        Assert.Null(Decide(Key, Unused with { Remaining = 1 }));
        Assert.Null(Decide(refilled, Unused with { Remaining = 0 }));
        Assert.Equal("USAGE_EXCEEDED", Decide(refilled, Unused with { Remaining = 0, LastRefillAt = Now.AddSeconds(-1) }));
        Assert.Null(Decide(refilled, Unused with { Remaining = 0, LastRefillAt = Now.AddSeconds(-1.1) }));
    }

    [Fact]
    public void A_window_is_over_when_no_use_counted_in_it()
    {
        Assert.Equal("RATE_LIMITED", Decide(Key, new(null, null, 2, Now.AddSeconds(-1))));
        Assert.Null(Decide(Key, new(null, null, 1, Now)));
        Assert.Null(Decide(Key, new(null, null, 2, Now.AddSeconds(-1.1))));
        Assert.Null(Decide(Key with { RateLimitEnabled = false }, new(null, null, 2, Now)));
    }

    private static string? Decide(ApiKey key, ApiKeyUse use, User? owner = null) =>
        ApiKeyCheck.Decide(new KnownApiKey(key, use, owner ?? Owner), null, Now)?.Code;
}
