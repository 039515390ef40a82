using System.Text.Json;
using Modular.Testing;

namespace Modular.Host.Tests;

public sealed class CommandLineTests : IAsyncLifetime
{
    private TestDatabase _database = null!;

    private CommandLine Commands => new(_database.ConnectionString);

    public async Task InitializeAsync() => _database = await TestDatabase.CreateAsync();

    public async Task DisposeAsync() => await _database.DisposeAsync();

    [Theory]
    [InlineData("db")]
    [InlineData("db", "migrate")]
    [InlineData("audit", "rebuild")]
    [InlineData("audit", "tail")]
    [InlineData("audit", "replay")]
    [InlineData("audit", "as-of")]
    [InlineData("messages", "replay")]
    [InlineData("users", "create-admin")]
    [InlineData("users", "set-password")]
    [InlineData("users", "unlock")]
    [InlineData]
    public async Task Every_command_explains_itself(params string[] words)
    {
        var result = await Commands.Run([.. words, "--help"]);
        Assert.Equal(0, result.ExitCode);
        Assert.Contains("Usage:", result.Output, StringComparison.Ordinal);
        Assert.Equal("", result.Error);
    }

    [Theory]
    [InlineData("sevre")]
    [InlineData("db")]
    [InlineData("db", "status", "--jsn")]
    [InlineData("audit", "rebuild")]
    [InlineData("audit", "rebuild", "identity.nothing")]
    [InlineData("audit", "tail", "--last", "0")]
    [InlineData("audit", "replay", "--outcome", "maybe")]
    [InlineData("audit", "replay", "--format", "xml")]
    [InlineData("audit", "replay", "--speed", "0")]
    [InlineData("audit", "replay", "--speed", "2", "--rate", "2")]
    [InlineData("audit", "as-of")]
    [InlineData("audit", "as-of", "--at", "2026-01-01T00:00Z", "--from", "2026-01-01T00:00Z")]
    [InlineData("audit", "as-of", "--from", "2026-01-02T00:00Z", "--to", "2026-01-01T00:00Z")]
    [InlineData("messages", "replay")]
    [InlineData("users", "create-admin", "root@example.com")]
    public async Task What_cannot_be_followed_ends_with_2_and_says_why(params string[] words)
    {
        var result = await Commands.Run(words);
        Assert.Equal(2, result.ExitCode);
        Assert.NotEqual("", result.Error);
    }

    [Fact]
    public async Task Migrations_are_pending_until_they_are_applied()
    {
        var before = await Commands.Run("db", "status", "--json");
        Assert.Equal(1, before.ExitCode);
        Assert.Equal("pending", before.Json.GetProperty("migrations")[0].GetProperty("state").GetString());

        var migrated = await Commands.Run("db", "migrate");
        Assert.Equal(0, migrated.ExitCode);
        Assert.Contains("applied  store/foundation", migrated.Lines);

        var after = await Commands.Run("db", "status", "--json");
        Assert.Equal(0, after.ExitCode);
        Assert.All(after.Json.GetProperty("migrations").EnumerateArray(), step => Assert.Equal("applied", step.GetProperty("state").GetString()));
        Assert.Equal("Nothing was pending.", Assert.Single((await Commands.Run("db", "migrate")).Lines));
    }

    [Fact]
    public async Task A_schema_that_differs_is_named()
    {
        await Commands.Run("db", "migrate");
        Assert.Equal(0, (await Commands.Run("db", "validate")).ExitCode);

        await Execute("alter table identity.mt_doc_user drop column name cascade");
        var result = await Commands.Run("db", "validate", "--json");
        Assert.Equal(1, result.ExitCode);
        Assert.Contains(
            "The column identity.mt_doc_user.name is missing.",
            result.Json.GetProperty("differences").EnumerateArray().Select(difference => difference.GetProperty("sentence").GetString()));
    }

    [Fact]
    public async Task A_reset_empties_our_schemas_and_leaves_those_of_others()
    {
        await Commands.Run("db", "migrate");
        await Execute("create table neon_auth.others (id int); insert into neon_auth.others values (1)");
        await Execute("create table public.others (id text references neon_auth.users_sync (id) on delete cascade)");
        await Execute("insert into neon_auth.users_sync (id, raw_json, created_at) values ('x', '{}', now())");

        var result = await Commands.Run("db", "reset", "--yes", "--json");
        Assert.True(result.ExitCode == 0, result.Error);
        Assert.Contains("identity", result.Json.GetProperty("reset").EnumerateArray().Select(schema => schema.GetString()));
        Assert.Equal(0, (await Commands.Run("db", "validate")).ExitCode);
        Assert.Equal(0L, await Execute("select count(*) from neon_auth.users_sync"));
        Assert.Equal(1L, await Execute("select count(*) from neon_auth.others"));
    }

    [Fact]
    public async Task A_reset_asks_and_is_not_for_production()
    {
        await Commands.Run("db", "migrate");
        var unasked = await Commands.Run("db", "reset");
        Assert.Equal((2, "Nobody can be asked here: say --yes to lose the data."), (unasked.ExitCode, unasked.Error.Trim()));

        var production = new CommandLine(_database.ConnectionString) { Environment = "Production" };
        Assert.Equal(2, (await production.Run("db", "reset", "--yes", "--Auth:PasswordIterations=220000")).ExitCode);
        Assert.Equal(0, (await production.Run("db", "reset", "--yes", "--force", "--Auth:PasswordIterations=220000")).ExitCode);
    }

    [Fact]
    public async Task A_database_that_does_not_answer_is_said_in_one_sentence()
    {
        var result = await new CommandLine("Host=127.0.0.1;Port=1;Username=a;Password=b;Database=c").Run("db", "status", "--Modular:DatabasePatience=0:00:00");
        Assert.Equal(1, result.ExitCode);
        Assert.StartsWith("The database does not answer: ", Assert.Single(result.Error.Trim().Split('\n')), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_rebuild_waits_for_migrations()
    {
        var result = await Commands.Run("audit", "rebuild", "--all");
        Assert.Equal(1, result.ExitCode);
        Assert.Contains("run 'db migrate'", result.Error, StringComparison.Ordinal);
    }

    private async Task<object?> Execute(string sql)
    {
        await using var connection = new Npgsql.NpgsqlConnection(_database.ConnectionString);
        await connection.OpenAsync();
        await using var command = new Npgsql.NpgsqlCommand(sql, connection);
        return await command.ExecuteScalarAsync();
    }
}

public sealed class CommandsBesideAServer(App app) : IClassFixture<App>
{
    private CommandLine Commands => new(app.ConnectionString);

    [Fact]
    public async Task An_administrator_made_by_the_operator_signs_in_and_reads_the_log()
    {
        var made = await Commands.RunWith("a long password\n", "users", "create-admin", "Root@Example.com", "--password-stdin", "--json");
        Assert.Equal(0, made.ExitCode);
        Assert.True(made.Json.GetProperty("registered").GetBoolean());

        var root = app.Browser();
        await app.Scenario(_ => _.As(root).Post.Json(new { email = "root@example.com", password = "a long password" }).ToUrl("/api/auth/sign-in/email"));
        await app.Scenario(_ => _.As(root).Get.Url("/api/audit/entries"));
    }

    [Fact]
    public async Task Somebody_who_has_the_address_is_promoted_and_signed_out()
    {
        var ada = app.Browser();
        await app.Scenario(_ => _.As(ada).Post.Json(new { name = "Ada", email = "ada@example.com", password = "chosen by ada" }).ToUrl("/api/auth/sign-up/email"));

        var made = await Commands.RunWith("chosen by the operator\n", "users", "create-admin", "ada@example.com", "--password-stdin", "--json");
        Assert.False(made.Json.GetProperty("registered").GetBoolean());
        await app.Scenario(_ =>
        {
            _.As(ada).Get.Url("/api/auth/get-session");
            _.ContentShouldBe("null");
        });
        await app.Scenario(_ =>
        {
            _.Post.Json(new { email = "ada@example.com", password = "chosen by ada" }).ToUrl("/api/auth/sign-in/email");
            _.StatusCodeShouldBe(401);
        });
        await app.Scenario(_ => _.Post.Json(new { email = "ada@example.com", password = "chosen by the operator" }).ToUrl("/api/auth/sign-in/email"));
    }

    [Theory]
    [InlineData("nobody", "a long password", "'nobody' is no e-mail address.")]
    [InlineData("short@example.com", "short", "The password must have 8 to 128 characters.")]
    public async Task A_wrong_administrator_is_not_made(string email, string password, string problem)
    {
        var result = await Commands.RunWith($"{password}\n", "users", "create-admin", email, "--password-stdin");
        Assert.Equal((1, problem), (result.ExitCode, result.Error.Trim()));
    }

    [Fact]
    public async Task What_a_stranger_prepared_is_void_once_their_address_is_made_an_administrator()
    {
        var stranger = app.Browser();
        await app.Scenario(_ => _.As(stranger).Post.Json(new { name = "X", email = "boss@example.com", password = "chosen by a stranger" }).ToUrl("/api/auth/sign-up/email"));
        await app.Scenario(_ => _.As(stranger).Post.Json(new { newEmail = "x@evil.example" }).ToUrl("/api/auth/change-email"));
        await app.Settled();
        Assert.Equal(1, await app.Count("select count(*) from identity.mt_doc_verification where purpose = 'change-email'"));
        await Commands.RunWith("chosen by the operator\n", "users", "create-admin", "boss@example.com", "--password-stdin");
        Assert.Equal(0, await app.Count("select count(*) from identity.mt_doc_verification where purpose = 'change-email'"));
        Assert.Equal(1, await app.Count(
            "select count(*) from identity.mt_events e join identity.mt_doc_user u on e.stream_id = u.id where u.email = 'boss@example.com' and e.type = 'password.given.1'"));
    }

    [Fact]
    public async Task A_setting_that_cannot_be_read_is_named()
    {
        var result = await Commands.Run("db", "status", "--Auth:SessionLifetime=banana");
        Assert.Equal(
            (1, "Auth:SessionLifetime cannot be 'banana'; docs/configuration.md says what it may be."), (result.ExitCode, result.Error.Trim()));
    }

    [Fact]
    public async Task A_password_is_given_to_somebody_who_has_none()
    {
        await app.Scenario(_ => _.Post.Json(new { name = "Gia", email = "gia@example.com", password = "chosen by gia" }).ToUrl("/api/auth/sign-up/email"));
        var has = await Commands.RunWith("chosen by another\n", "users", "set-password", "Gia@Example.com", "--password-stdin");
        Assert.Equal(1, has.ExitCode);
        Assert.Contains("has a password already", has.Error, StringComparison.Ordinal);

        // As somebody who came from a provider.
        await app.Sql("delete from identity.mt_doc_account");
        var set = await Commands.RunWith("chosen by another\n", "users", "set-password", "Gia@Example.com", "--password-stdin", "--json");
        Assert.Equal(0, set.ExitCode);
        Assert.Equal(32, set.Json.GetProperty("userId").GetString()!.Length);
        await app.Scenario(_ => _.Post.Json(new { email = "gia@example.com", password = "chosen by another" }).ToUrl("/api/auth/sign-in/email"));

        var nobody = await Commands.RunWith("chosen by another\n", "users", "set-password", "nobody@example.com", "--password-stdin");
        Assert.Equal((1, "Nobody has the address 'nobody@example.com'."), (nobody.ExitCode, nobody.Error.Trim()));
        var common = await Commands.RunWith("password123\n", "users", "set-password", "gia@example.com", "--password-stdin");
        Assert.Equal(1, common.ExitCode);
    }

    [Fact]
    public async Task Somebody_who_has_to_wait_may_try_again()
    {
        await app.Scenario(_ => _.Post.Json(new { name = "Lou", email = "lou@example.com", password = "chosen by lou" }).ToUrl("/api/auth/sign-up/email"));
        var unlocked = await Commands.Run("users", "unlock", "Lou@Example.com", "--json");
        Assert.Equal((0, 0), (unlocked.ExitCode, unlocked.Json.GetProperty("failures").GetInt32()));
        var said = await Commands.Run("users", "unlock", "lou@example.com");
        var id = unlocked.Json.GetProperty("userId").GetString();
        Assert.Equal($"{id} need not wait any more; 0 wrong passwords are forgotten.", said.Output.Trim());
        Assert.Equal(2, await app.Count(
            "select count(*) from identity.mt_events where type = 'user.unlocked.1' and stream_id = $1 and data ->> 'reason' = 'by_operator'", id!));
        var nobody = await Commands.Run("users", "unlock", "nobody@example.com");
        Assert.Equal((1, "Nobody has the address 'nobody@example.com'."), (nobody.ExitCode, nobody.Error.Trim()));
    }

    [Fact]
    public async Task The_log_is_read_verified_and_rebuilt_while_the_server_runs()
    {
        await app.Scenario(_ => _.Post.Json(new { name = "Eve", email = "eve@example.com", password = "a password" }).ToUrl("/api/auth/sign-up/email"));
        await app.Settled();

        var last = await Commands.Run("audit", "tail");
        Assert.InRange(last.Lines.Count, 1, 10);
        var tail = await Commands.Run("audit", "tail", "--last", "1000", "--type", "user.registered.*", "--json");
        Assert.Contains(tail.Lines, line => JsonDocument.Parse(line).RootElement.GetProperty("data").GetProperty("email").GetString() == "eve@example.com");
        var lastOfMany = await Commands.Run("audit", "tail", "--last", "1", "--type", "user.registered.*", "--json");
        Assert.Contains("user.registered.1", Assert.Single(lastOfMany.Lines), StringComparison.Ordinal);
        var replay = await Commands.Run("audit", "replay", "--module", "sessions");
        Assert.Contains(replay.Lines, line => line.Contains("session.started.1", StringComparison.Ordinal));

        var verified = await Commands.Run("audit", "verify", "--json");
        Assert.Equal(0, verified.ExitCode);
        Assert.True(verified.Json.GetProperty("ok").GetBoolean());

        var listed = (await Commands.Run("audit", "rebuild", "--list")).Lines;
        Assert.Contains("audit.entries", listed);
        Assert.Contains("identity.mt_doc_user", listed);
        var rebuilt = await Commands.Run("audit", "rebuild", "--all", "--compare", "--json");
        Assert.Equal(0, rebuilt.ExitCode);
        Assert.Equal(listed, rebuilt.Json.GetProperty("rebuilt").EnumerateArray().Select(result => result.GetProperty("name").GetString()));
        Assert.All(rebuilt.Json.GetProperty("rebuilt").EnumerateArray(), result => Assert.Equal(0, result.GetProperty("different").GetInt64()));
    }

    [Fact]
    public async Task The_past_is_told_and_replayed_in_every_format()
    {
        var before = DateTimeOffset.UtcNow;
        var signedUp = await app.Scenario(_ => _.Post.Json(new { name = "Pat", email = "pat@example.com", password = "a password" }).ToUrl("/api/auth/sign-up/email"));
        var id = signedUp.Json().GetProperty("user").GetProperty("id").GetString()!;
        await app.Settled();
        var now = DateTimeOffset.UtcNow.ToString("O");

        var past = JsonDocument.Parse(Assert.Single((await Commands.Run("audit", "as-of", "--at", now, "--user", id, "--json")).Lines)).RootElement;
        Assert.Equal(("pat@example.com", 1), (past.GetProperty("email").GetString(), past.GetProperty("sessions").GetArrayLength()));
        Assert.Contains(
            (await Commands.Run("audit", "as-of", "--from", before.ToString("O"), "--to", now)).Lines,
            line => line == $"{id}  came");

        var csv = await Commands.Run("audit", "replay", "--subject", id, "--format", "csv");
        Assert.StartsWith("position,id,time,", csv.Lines[0], StringComparison.Ordinal);
        Assert.Contains(csv.Lines, line => line.Contains(",session.started.1,", StringComparison.Ordinal));
        var events = await Commands.Run("audit", "replay", "--subject", id, "--format", "cloudevents", "--rate", "1000");
        Assert.All(events.Lines, line => Assert.Equal("1.0", JsonDocument.Parse(line).RootElement.GetProperty("specversion").GetString()));
    }

    [Fact]
    public async Task A_read_model_that_was_tampered_with_is_made_right_and_ends_with_1()
    {
        await app.Scenario(_ => _.Post.Json(new { name = "Mal", email = "mal@example.com", password = "a password" }).ToUrl("/api/auth/sign-up/email"));
        await app.Sql("update neon_auth.users_sync set name = 'somebody else' where email = 'mal@example.com'");

        var result = await Commands.Run("audit", "rebuild", "neon_auth.users_sync", "--compare");
        Assert.Equal(1, result.ExitCode);
        Assert.Contains("1 different", result.Output, StringComparison.Ordinal);
        Assert.Equal(1, await app.Count("select count(*) from neon_auth.users_sync where email = 'mal@example.com' and name = 'Mal'"));
    }

    [Fact]
    public async Task Without_dead_messages_there_is_nothing_to_send_again()
    {
        Assert.Empty((await Commands.Run("messages", "dead", "--json")).Json.GetProperty("dead").EnumerateArray());
        Assert.Equal("0 sent again.", Assert.Single((await Commands.Run("messages", "replay", "--all")).Lines));
        Assert.Equal(1, (await Commands.Run("messages", "replay", "0193d1c2-0000-7000-8000-000000000000")).ExitCode);
    }
}
