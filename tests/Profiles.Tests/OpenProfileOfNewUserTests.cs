using Modular.Identity.Contracts;

namespace Modular.Profiles.Tests;

public sealed class OpenProfileOfNewUserTests
{
    private static readonly DateTimeOffset Noon = new(2026, 1, 1, 12, 0, 0, TimeSpan.Zero);

    [Fact]
    public void A_user_without_a_profile_gets_one() =>
        Assert.Equal(new ProfileOpened("ada", Noon), OpenProfileOfNewUser.Decide(null, new UserRegistered("ada", Noon)));

    [Fact]
    public void A_message_that_comes_again_changes_nothing() =>
        Assert.Null(OpenProfileOfNewUser.Decide(Profile.Unopened("ada") with { Version = 1 }, new UserRegistered("ada", Noon)));
}
