using System.IO.Compression;
using System.Net.Http.Json;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Modular.Testing;
using Npgsql;

namespace Modular.Host.Tests;

public sealed class BackupTests(App app) : IClassFixture<App>, IDisposable
{
    private static readonly string[] OurSchemas = ["store", "identity", "sessions", "profiles", "audit", "messaging"];

    private readonly ScratchFolder _scratch = new();

    private CommandLine Commands => new(app.ConnectionString);

    public void Dispose() => _scratch.Dispose();

    [Fact]
    public async Task A_restored_copy_is_equal_table_by_table_and_a_server_goes_on_with_it()
    {
        var ada = await SignedUp("ada.copy@example.com");
        await app.Scenario(_ => _.As(ada).Post.Json(new { name = "Ada, \t\"tab\" \\ and\nline", image = "https://img.test/ä.png" }).ToUrl("/api/auth/update-user"));
        await app.Sql("select audit.make_partition(5)");
        await app.Settled();
        Assert.Equal(0, (await Commands.Run("db", "backup", _scratch["one.zip"])).ExitCode);
        Assert.Equal(["one.zip"], Directory.EnumerateFiles(_scratch.Path).Select(Path.GetFileName));
        if (!OperatingSystem.IsWindows())
            Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(_scratch["one.zip"]));

        await using var copy = await TestDatabase.CreateAsync();
        var there = new CommandLine(copy.ConnectionString);
        Assert.Equal(0, (await there.Run("db", "restore", _scratch["one.zip"])).ExitCode);
        Assert.Equal(0, (await there.Run("db", "validate")).ExitCode);
        Assert.Equal(0, (await there.Run("db", "status")).ExitCode);
        Assert.Equal(0, (await there.Run("db", "backup", _scratch["two.zip"])).ExitCode);
        Assert.Equal(Contents("one.zip"), Contents("two.zip"));
        await using var numbers = new Numbers(copy.ConnectionString);
        Assert.Equal(1, await numbers.Of("select count(*) from pg_class where oid = to_regclass('audit.entries_00005')"));

        await using (var host = await HostProcess.StartAsync(copy.ConnectionString))
        {
            Assert.Equal("Ada, \t\"tab\" \\ and\nline", await NameOfSession(host.Url, ada.CookieHeader));
            await SignUp(host.Url, "bob.copy@example.com");
            await Sealed(numbers);
        }

        await NothingIsWrongWith(there);
        var refused = await Assert.ThrowsAsync<PostgresException>(() => numbers.Of("delete from audit.entries"));
        Assert.Contains("the audit log only grows", refused.MessageText, StringComparison.Ordinal);
    }

    [Fact]
    public async Task In_a_younger_cluster_what_happens_after_the_restore_comes_after_what_happened_before()
    {
        var ada = await SignedUp("ada.younger@example.com");
        await app.Settled();
        await using var copy = await TestDatabase.CreateAsync(ownServer: true);
        await using var numbers = new Numbers(copy.ConnectionString);
        // The cluster of the copy has to be the younger one: transaction ids there are lower than in the backup.
        var present = await numbers.Of("select pg_current_xact_id()::text::bigint");
        while (await app.Count("select pg_current_xact_id()::text::bigint") < present + 10_000)
            await app.Sql("do $do$ begin for i in 1..5000 loop perform pg_current_xact_id(); commit; end loop; end $do$");
        await SignedUp("bob.younger@example.com");
        await app.Settled();
        Assert.Equal(0, (await Commands.Run("db", "backup", _scratch["younger.zip"])).ExitCode);

        var there = new CommandLine(copy.ConnectionString);
        Assert.Equal(0, (await there.Run("db", "restore", _scratch["younger.zip"])).ExitCode);
        Assert.Equal(2, await numbers.Of("select epoch from store.epoch"));
        var before = await numbers.Of("select max(position) from audit.entries");
        Assert.True(await numbers.Of("select max(xact::text::bigint) from audit.entries") > await numbers.Of("select pg_current_xact_id()::text::bigint"));

        await using (var host = await HostProcess.StartAsync(copy.ConnectionString))
        {
            // A stream of the epoch before, and a new one.
            Assert.NotNull(await NameOfSession(host.Url, ada.CookieHeader));
            await Post(host.Url, "/api/auth/update-user", new { name = "Ada later" }, ada.CookieHeader);
            await SignUp(host.Url, "eve.younger@example.com");
            await Sealed(numbers);
        }

        Assert.Equal(0, await numbers.Of($"select count(*) from audit.entries where position > {before} and epoch <> 2"));
        Assert.Equal(0, await numbers.Of($"select count(*) from audit.entries where position <= {before} and epoch <> 1"));
        Assert.True(await numbers.Of("select max(position) from audit.entries") > before);
        await NothingIsWrongWith(there);
    }

    [Fact]
    public async Task A_backup_taken_while_people_sign_up_is_of_one_instant()
    {
        using var stop = new CancellationTokenSource();
        var signUps = Enumerable.Range(0, 4).Select(async lane =>
        {
            for (var number = 0; !stop.IsCancellationRequested; number++)
                await SignUp(app.Url, $"busy.{lane}.{number}@example.com");
        }).ToList();
        await Task.Delay(TimeSpan.FromMilliseconds(300));
        var made = await Commands.Run("db", "backup", _scratch["busy.zip"], "--json");
        await stop.CancelAsync();
        await Task.WhenAll(signUps);

        var rows = made.Json.GetProperty("tables").EnumerateArray()
            .ToDictionary(table => $"{table.GetProperty("schema")}.{table.GetProperty("name")}", table => table.GetProperty("rows").GetInt64());
        Assert.True(rows["identity.mt_doc_user"] > 4);
        Assert.Equal(rows["identity.mt_doc_user"], rows["identity.mt_doc_account"]);
        Assert.Equal(rows["identity.mt_doc_user"], rows["neon_auth.users_sync"]);

        await using var copy = await TestDatabase.CreateAsync();
        var there = new CommandLine(copy.ConnectionString);
        Assert.Equal(0, (await there.Run("db", "restore", _scratch["busy.zip"])).ExitCode);
        await using var numbers = new Numbers(copy.ConnectionString);
        await using (await HostProcess.StartAsync(copy.ConnectionString))
            await Sealed(numbers);
        await NothingIsWrongWith(there);
    }

    [Fact]
    public async Task A_database_that_holds_something_of_ours_is_refused_and_replaced_only_when_asked()
    {
        await SignedUp("ada.full@example.com");
        Assert.Equal(0, (await Commands.Run("db", "backup", _scratch["full.zip"])).ExitCode);
        await using var other = await TestDatabase.CreateAsync();
        var there = new CommandLine(other.ConnectionString);
        await there.Run("db", "migrate");

        var refused = await there.Run("db", "restore", _scratch["full.zip"]);
        Assert.Equal(1, refused.ExitCode);
        Assert.Equal("The database has audit.boundaries already: restore into one without any of our schemas.", refused.Error.Trim());
        Assert.Equal(2, (await there.Run("db", "restore", _scratch["full.zip"], "--force")).ExitCode);
        var production = new CommandLine(other.ConnectionString) { Environment = "Production" };
        var never = await production.Run("db", "restore", _scratch["full.zip"], "--force", "--yes", "--Auth:PasswordIterations=220000");
        Assert.Equal(2, never.ExitCode);
        Assert.StartsWith("This is Production", never.Error, StringComparison.Ordinal);
        await using var numbers = new Numbers(other.ConnectionString);
        Assert.Equal(0, await numbers.Of("select count(*) from identity.mt_doc_user"));

        Assert.Equal(0, (await there.Run("db", "restore", _scratch["full.zip"], "--force", "--yes")).ExitCode);
        Assert.Equal(1, await numbers.Of("select count(*) from identity.mt_doc_user where email = 'ada.full@example.com'"));
    }

    [Fact]
    public async Task A_file_that_exists_is_not_replaced_unless_asked()
    {
        await File.WriteAllTextAsync(_scratch["mine.txt"], "mine");
        var refused = await Commands.Run("db", "backup", _scratch["mine.txt"]);
        Assert.Equal((2, $"{_scratch["mine.txt"]} exists: say --force to replace it."), (refused.ExitCode, refused.Error.Trim()));
        Assert.Equal("mine", await File.ReadAllTextAsync(_scratch["mine.txt"]));
        Assert.Equal(0, (await Commands.Run("db", "backup", _scratch["mine.txt"], "--force")).ExitCode);
        Assert.Equal(2, (await Commands.Run("db", "backup", _scratch["no/such/folder.zip"])).ExitCode);
        Assert.Equal(2, (await Commands.Run("db", "restore", _scratch["nothing.zip"])).ExitCode);
    }

    [Theory]
    [InlineData("a byte of a row", "is not what its manifest says: it is damaged. Nothing was restored.")]
    [InlineData("a row too few", "is not what its manifest says: it is damaged. Nothing was restored.")]
    [InlineData("a value of another type", "it is damaged. Nothing was restored.")]
    [InlineData("a table's rows", "is missing: it is damaged.")]
    [InlineData("a table", "The backup has no rows of neon_auth.users_sync: it is damaged.")]
    [InlineData("a column", "has other columns: it is damaged.")]
    [InlineData("a migration", "restore it with the version that made it, then start this one.")]
    [InlineData("the manifest", "This is not a backup: it has no manifest.")]
    [InlineData("the end of the file", "This is not a backup, or not the whole of one.")]
    public async Task A_backup_that_is_not_whole_leaves_the_database_as_it_was(string damage, string problem)
    {
        await SignedUp($"{Guid.NewGuid():n}@example.com");
        Assert.Equal(0, (await Commands.Run("db", "backup", _scratch["damaged.zip"])).ExitCode);
        Damage(_scratch["damaged.zip"], damage);

        await using var other = await TestDatabase.CreateAsync();
        var result = await new CommandLine(other.ConnectionString).Run("db", "restore", _scratch["damaged.zip"]);
        Assert.Equal(1, result.ExitCode);
        Assert.Contains(problem, result.Error, StringComparison.Ordinal);
        Assert.Single(result.Error.Trim().Split('\n'));
        await NothingOfOursIsIn(other);
    }

    [Fact]
    public async Task A_backup_of_another_secret_is_refused()
    {
        await SignedUp("ada.secret@example.com");
        Assert.Equal(0, (await Commands.Run("db", "backup", _scratch["secret.zip"])).ExitCode);
        await using var other = await TestDatabase.CreateAsync();
        var result = await new CommandLine(other.ConnectionString) { Secret = "another secret, long enough to be one" }
            .Run("db", "restore", _scratch["secret.zip"]);
        Assert.Equal(1, result.ExitCode);
        Assert.StartsWith("The backup was made with another Auth:Secret", result.Error, StringComparison.Ordinal);
        await NothingOfOursIsIn(other);
    }

    [Fact]
    public async Task A_database_of_another_version_is_not_backed_up()
    {
        await using var other = await TestDatabase.CreateAsync();
        var there = new CommandLine(other.ConnectionString);
        var empty = await there.Run("db", "backup", _scratch["other.zip"]);
        Assert.Equal(1, empty.ExitCode);
        Assert.Contains("nothing is applied", empty.Error, StringComparison.Ordinal);
        await there.Run("db", "migrate");
        await using (var numbers = new Numbers(other.ConnectionString))
            await numbers.Of("insert into store.migrations (schema, name, checksum) values ('identity', '999-later', 'x') returning 1");
        var later = await there.Run("db", "backup", _scratch["other.zip"]);
        Assert.Equal(1, later.ExitCode);
        Assert.Contains("identity/999-later is unknown here", later.Error, StringComparison.Ordinal);
        Assert.Empty(Directory.EnumerateFiles(_scratch.Path));
    }

    private async Task<Browser> SignedUp(string email)
    {
        var browser = app.Browser();
        await app.Scenario(_ => _.As(browser).Post.Json(new { name = "Ada", email, password = "quite unlikely 1" }).ToUrl("/api/auth/sign-up/email"));
        return browser;
    }

    private static Task SignUp(string url, string email) =>
        Post(url, "/api/auth/sign-up/email", new { name = "Bob", email, password = "quite unlikely 2" });

    private static async Task Post(string url, string path, object body, string? cookies = null)
    {
        using var client = new HttpClient(new SocketsHttpHandler { UseCookies = false });
        using var request = new HttpRequestMessage(HttpMethod.Post, url + path) { Content = JsonContent.Create(body) };
        request.Headers.Add("Origin", url);
        if (cookies is not null)
            request.Headers.Add("Cookie", cookies);
        using var answer = await client.SendAsync(request);
        Assert.True(answer.IsSuccessStatusCode, $"{path}: {answer.StatusCode} {await answer.Content.ReadAsStringAsync()}");
    }

    private static async Task<string?> NameOfSession(string url, string cookies)
    {
        using var client = new HttpClient(new SocketsHttpHandler { UseCookies = false });
        client.DefaultRequestHeaders.Add("Cookie", cookies);
        var session = await client.GetFromJsonAsync<JsonElement?>($"{url}/api/auth/get-session");
        return session?.GetProperty("user").GetProperty("name").GetString();
    }

    /// <summary>Until every message is handled, also those that a node of the original had taken (for 30 s), and every event an entry.</summary>
    private static async Task Sealed(Numbers numbers)
    {
        const string Behind = """
            select (select count(*) from identity.mt_events) + (select count(*) from sessions.mt_events)
                + (select count(*) from profiles.mt_events) + (select count(*) from audit.mt_events)
                - (select count(*) from audit.entries) + (select count(*) from messaging.incoming_envelopes)
            """;
        for (var deadline = DateTime.UtcNow.AddSeconds(90); await numbers.Of(Behind) != 0; await Task.Delay(50))
            Assert.True(DateTime.UtcNow < deadline, "Not everything was sealed.");
    }

    private static async Task NothingIsWrongWith(CommandLine there)
    {
        var verified = await there.Run("audit", "verify", "--json");
        Assert.True(verified.Json.GetProperty("ok").GetBoolean());
        var rebuilt = await there.Run("audit", "rebuild", "--all", "--compare", "--json");
        Assert.Equal(0, rebuilt.ExitCode);
        Assert.All(rebuilt.Json.GetProperty("rebuilt").EnumerateArray(), result => Assert.Equal(0, result.GetProperty("different").GetInt64()));
    }

    private static async Task NothingOfOursIsIn(TestDatabase database)
    {
        await using var numbers = new Numbers(database.ConnectionString);
        Assert.Equal(0, await numbers.Of($"select count(*) from pg_namespace where nspname in ('{string.Join("', '", OurSchemas)}', 'neon_auth')"));
    }

    /// <summary>Each entry by name and hash; of the manifest what does not tell the time.</summary>
    private SortedDictionary<string, string> Contents(string file)
    {
        using var zip = ZipFile.OpenRead(_scratch[file]);
        var contents = new SortedDictionary<string, string>(StringComparer.Ordinal);
        foreach (var entry in zip.Entries)
        {
            using var stream = entry.Open();
            contents[entry.FullName] = entry.FullName == "manifest.json"
                ? Timeless(JsonNode.Parse(stream)!.AsObject())
                : Convert.ToHexString(SHA256.HashData(stream));
        }

        Assert.True(contents.Count > 20, "a backup has more entries than that");
        return contents;
    }

    private static string Timeless(JsonObject manifest)
    {
        Assert.True(manifest.Remove("createdAt") && manifest.Remove("transaction"));
        return manifest.ToJsonString();
    }

    private static void Damage(string file, string what)
    {
        if (what == "the end of the file")
        {
            File.WriteAllBytes(file, File.ReadAllBytes(file)[..^200]);
            return;
        }

        using var zip = ZipFile.Open(file, ZipArchiveMode.Update);
        const string Users = "tables/neon_auth.users_sync.copy";
        switch (what)
        {
            case "a byte of a row":
                Rewrite(zip, Users, text => text.Replace("Ada", "Adb", StringComparison.Ordinal));
                break;
            case "a row too few":
                Rewrite(zip, Users, text => text[(text.IndexOf('\n', StringComparison.Ordinal) + 1)..]);
                break;
            case "a value of another type":
                Rewrite(zip, Users, text => text.Replace("\t{", "\tno json{", StringComparison.Ordinal));
                break;
            case "a table's rows":
                zip.GetEntry(Users)!.Delete();
                break;
            case "a table":
                RewriteManifest(zip, manifest => Tables(manifest).Remove(UsersOf(manifest)));
                break;
            case "a column":
                RewriteManifest(zip, manifest => UsersOf(manifest)["columns"]!.AsArray().RemoveAt(1));
                break;
            case "a migration":
                RewriteManifest(zip, manifest => manifest["migrations"]!.AsArray()[0]!["checksum"] = "another");
                break;
            case "the manifest":
                zip.GetEntry("manifest.json")!.Delete();
                break;
            default:
                throw new ArgumentException(what);
        }
    }

    private static JsonArray Tables(JsonNode manifest) => manifest["tables"]!.AsArray();

    private static JsonNode UsersOf(JsonNode manifest) => Tables(manifest).Single(table => (string?)table!["name"] == "users_sync")!;

    private static void RewriteManifest(ZipArchive zip, Action<JsonNode> change) => Rewrite(zip, "manifest.json", text =>
    {
        var manifest = JsonNode.Parse(text)!;
        change(manifest);
        return manifest.ToJsonString();
    });

    private static void Rewrite(ZipArchive zip, string name, Func<string, string> change)
    {
        string before;
        using (var reader = new StreamReader(zip.GetEntry(name)!.Open()))
            before = reader.ReadToEnd();
        var after = change(before);
        Assert.NotEqual(before, after);
        zip.GetEntry(name)!.Delete();
        using var entry = zip.CreateEntry(name).Open();
        entry.Write(Encoding.UTF8.GetBytes(after));
    }
}
