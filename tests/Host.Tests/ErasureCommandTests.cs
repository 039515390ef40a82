using Modular.Testing;
using Npgsql;

namespace Modular.Host.Tests;

public sealed class ErasureCommandTests(App app) : IClassFixture<App>
{
    private CommandLine Commands => new(app.ConnectionString);

    [Fact]
    public async Task Who_has_an_account_is_refused_unless_it_goes_too_and_who_is_unknown_is_said_to_be()
    {
        var ada = await SignedUp("erase.me@example.com");
        var refused = await Commands.Run("audit", "erase", "--subject", ada);
        Assert.Equal(1, refused.ExitCode);
        Assert.Contains("--with-account", refused.Error, StringComparison.Ordinal);
        Assert.Equal(1, (await Commands.Run("audit", "erase", "--subject", "nobody-at-all")).ExitCode);
        Assert.Equal(2, (await Commands.Run("audit", "erase")).ExitCode);

        var erased = await Commands.Run("audit", "erase", "--subject", ada, "--with-account", "--json");
        Assert.Equal((0, true), (erased.ExitCode, erased.Json.GetProperty("isNew").GetBoolean()));
        Assert.Equal(0, await app.Count("select count(*) from identity.mt_doc_user where id = $1", ada));
        var again = await Commands.Run("audit", "erase", "--subject", ada, "--json");
        Assert.Equal((0, false), (again.ExitCode, again.Json.GetProperty("isNew").GetBoolean()));
        await app.Settled();
        Assert.Equal(0, await app.Count("select count(*) from audit.search where words ilike '%erase.me%'"));
    }

    [Fact]
    public async Task Whom_a_restored_backup_brings_back_is_erased_again()
    {
        using var folder = new ScratchFolder();
        var (back, erased) = (folder["backup.zip"], folder["erased.ndjson"]);
        var ada = await SignedUp("comes.back@example.com");
        Assert.Equal(0, (await Commands.Run("db", "backup", back)).ExitCode);
        Assert.Equal(0, (await Commands.Run("audit", "erase", "--subject", ada, "--with-account")).ExitCode);
        await app.Settled();
        var list = await Commands.Run("audit", "replay", "--json", "--type", "subject.erased.*");
        await File.WriteAllTextAsync(erased, list.Output);

        await using var restored = await TestDatabase.CreateAsync();
        var there = new CommandLine(restored.ConnectionString);
        Assert.Equal(0, (await there.Run("db", "restore", back)).ExitCode);
        Assert.Equal(1L, await Value(restored, "select count(*) from identity.mt_doc_user where id = $1", ada));
        var done = await there.Run("audit", "erase", "--reapply", erased, "--json");
        Assert.True(done.ExitCode == 0, done.Error);
        Assert.True(done.Json.GetProperty("erased").GetInt32() >= 1);
        Assert.Equal(0L, await Value(restored, "select count(*) from identity.mt_doc_user where id = $1", ada));
        Assert.Equal(0L, await Value(restored, "select count(*) from store.subject_keys where subject = $1 and wrapped is not null", ada));

        await File.WriteAllTextAsync(erased, "no entry\n");
        Assert.Equal(1, (await there.Run("audit", "erase", "--reapply", erased)).ExitCode);
    }

    [Fact]
    public async Task Sinks_that_are_not_there_are_said_to_be_none()
    {
        Assert.Empty((await Commands.Run("audit", "sinks", "list", "--json")).Json.GetProperty("sinks").EnumerateArray());
        Assert.Equal(1, (await Commands.Run("audit", "sinks", "pause", "siem")).ExitCode);
        Assert.Equal(2, (await Commands.Run("audit", "sinks", "replay", "siem")).ExitCode);
    }

    private async Task<string> SignedUp(string email) => (await app.Scenario(_ =>
        _.Post.Json(new { name = "Ada", email, password = "correct horse" }).ToUrl("/api/auth/sign-up/email"))).Json().GetProperty("user").GetProperty("id").GetString()!;

    private static async Task<object?> Value(TestDatabase database, string sql, string parameter)
    {
        await using var connection = new NpgsqlConnection(database.ConnectionString);
        await connection.OpenAsync();
        await using var command = new NpgsqlCommand(sql, connection);
        command.Parameters.Add(new NpgsqlParameter { Value = parameter });
        return await command.ExecuteScalarAsync();
    }
}
