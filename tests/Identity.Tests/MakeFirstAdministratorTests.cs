using Modular.Testing;

namespace Modular.Identity.Tests;

public sealed class MakeFirstAdministratorTests
{
    [Theory]
    [InlineData(null, null, true)]
    [InlineData("root@example.com", "long-enough", true)]
    [InlineData("root@example.com", null, false)]
    [InlineData(null, "long-enough", false)]
    [InlineData("root", "long-enough", false)]
    [InlineData("root@example.com", "short", false)]
    public void The_settings_are_both_given_and_sound_or_neither(string? email, string? password, bool valid)
    {
        var result = new AdminOptionsValidation().Validate(null, new AdminOptions { Email = email, Password = password });
        Assert.Equal(valid, result.Succeeded);
        if (!valid)
            Assert.StartsWith("Admin:", result.FailureMessage, StringComparison.Ordinal);
    }
}

public sealed class FirstAdministrator(FirstAdministrator.Server app) : IClassFixture<FirstAdministrator.Server>
{
    private const string Administrators = "select count(*) from identity.mt_doc_user where role = 'admin'";

    public sealed class Server() : App(new() { ["Admin:Email"] = "Root@example.com", ["Admin:Password"] = People.Password });

    [Fact]
    public async Task Is_made_at_start_once_however_many_nodes_start()
    {
        await app.Restart();
        var nodes = await Task.WhenAll(app.AnotherNode(), app.AnotherNode());
        foreach (var node in nodes)
            await node.DisposeAsync();
        Assert.Equal(1, await app.Count(Administrators));
        var user = (await app.SignIn("root@example.com")).Json().GetProperty("user");
        Assert.Equal(("admin", true), (user.GetProperty("role").GetString(), user.GetProperty("emailVerified").GetBoolean()));
    }

    [Fact]
    public async Task Is_made_by_one_of_two_nodes_that_start_at_once_over_an_empty_database()
    {
        foreach (var _ in Enumerable.Range(0, 3))
        {
            await app.Sql("truncate identity.mt_doc_user, identity.mt_doc_account, identity.mt_events, identity.mt_streams, neon_auth.users_sync");
            var nodes = await Task.WhenAll(app.AnotherNode(), app.AnotherNode());
            foreach (var node in nodes)
                await node.DisposeAsync();
            Assert.Equal(1, await app.Count(Administrators));
            Assert.Equal(1, await app.Count("select count(*) from identity.mt_doc_account"));
            Assert.Equal(1, await app.Count("select count(*) from identity.mt_events"));
        }
    }
}

public sealed class FirstAdministratorWhoseAddressIsTaken(FirstAdministratorWhoseAddressIsTaken.Server app)
    : IClassFixture<FirstAdministratorWhoseAddressIsTaken.Server>
{
    public sealed class Server() : App(Settings)
    {
        public static readonly Dictionary<string, string?> Settings = [];
    }

    [Fact]
    public async Task Is_the_one_who_knows_the_operators_password_and_not_the_one_who_came_first()
    {
        var squatter = await app.SignedUp(("email", "root@example.com"), ("password", "squatters-password"));
        Server.Settings["Admin:Email"] = "root@example.com";
        Server.Settings["Admin:Password"] = "operators-password";
        await app.Restart();

        Assert.Equal("null", (await app.Scenario(_ => _.As(squatter.Browser).Get.Url("/api/auth/get-session"))).Body);
        await app.SignIn(squatter.Email, "squatters-password", 401);
        var user = (await app.SignIn(squatter.Email, "operators-password")).Json().GetProperty("user");
        Assert.Equal(("admin", squatter.Id), (user.GetProperty("role").GetString(), user.GetProperty("id").GetString()));
        Assert.Equal(["user.registered.1", "user.role_set.1", "password.given.1"], await app.EventsOf(squatter.Id));
    }
}

public sealed class PasswordOptionsTests
{
    [Theory]
    [InlineData("Production", 219_999, false)]
    [InlineData("Production", 220_000, true)]
    [InlineData("Staging", 1000, false)]
    [InlineData("Development", 1, true)]
    [InlineData("Development", 0, false)]
    public void Few_iterations_are_for_Development_only(string environment, int iterations, bool valid)
    {
        var result = new PasswordOptionsValidation(new Environment(environment)).Validate(null, new PasswordOptions { Iterations = iterations });
        Assert.Equal(valid, result.Succeeded);
        Assert.Equal(!valid, result.FailureMessage?.StartsWith("Auth:PasswordIterations must", StringComparison.Ordinal) ?? false);
    }

    private sealed class Environment(string name) : Microsoft.Extensions.Hosting.IHostEnvironment
    {
        public string EnvironmentName { get; set; } = name;

        public string ApplicationName { get; set; } = "";

        public string ContentRootPath { get; set; } = "";

        public Microsoft.Extensions.FileProviders.IFileProvider ContentRootFileProvider { get; set; } = null!;
    }
}
