using Modular.Testing;

namespace Modular.Host.Tests;

public sealed class ResetTwoFactorTests
{
    [Fact]
    public async Task Somebody_without_a_second_factor_has_none_to_be_reset()
    {
        await using var database = await TestDatabase.CreateAsync();
        await using var host = await RunningHost.Start(database.ConnectionString);
        await host.SignUp("ada@example.com", "four unlikely words 1");
        var command = new CommandLine(database.ConnectionString);
        var none = await command.Run("users", "reset-two-factor", "ada@example.com");
        Assert.Equal(1, none.ExitCode);
        Assert.Contains("has no second factor that could be reset", none.Error, StringComparison.Ordinal);
        Assert.Contains("Nobody has the address", (await command.Run("users", "reset-two-factor", "bob@example.com")).Error, StringComparison.Ordinal);
    }
}
