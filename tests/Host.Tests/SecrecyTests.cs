using System.Diagnostics;
using System.IO.Compression;
using System.Net;
using System.Net.Http.Json;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;
using Modular.Testing;
using Npgsql;
using Xunit.Abstractions;

namespace Modular.Host.Tests;

/// <summary>
/// Whoever has a full copy of the database and the whole log can sign in as nobody: no secret that a client ever held is
/// in them, in any encoding, and nothing that is in them is accepted as one.
/// </summary>
public sealed partial class SecrecyTests(ITestOutputHelper output) : IDisposable
{
    private const string Password = "four unlikely words 1";
    private const string NewPassword = "four unlikely words 2";
    private const string ServerSecret = "a secret for tests, long enough to be one";
    private const int AtOnce = 8;

    private readonly ScratchFolder _scratch = new();

    public void Dispose() => _scratch.Dispose();

    /// <summary>What the operator configures; the last is everything that there is to say, and more than anybody should.</summary>
    public static TheoryData<string[]> LogLevels => new(
        ["--Logging:LogLevel:Default=Information"],
        ["--Logging:LogLevel:Default=Warning", "--Logging:LogLevel:Microsoft.AspNetCore=Information", "--Logging:LogLevel:Microsoft.AspNetCore.Hosting.Diagnostics=Information"],
        [
            "--Logging:LogLevel:Default=Trace", "--Logging:Console:LogLevel:Default=Trace", "--Logging:Console:FormatterName=json",
            "--Logging:Console:FormatterOptions:IncludeScopes=true", "--Auth:Debug=true", "--Logging:Console:LogLevel:Microsoft.AspNetCore.Hosting.Diagnostics=Trace",
        ]);

    [Theory, MemberData(nameof(LogLevels))]
    public async Task A_copy_of_the_database_and_the_log_sign_nobody_in(string[] levels)
    {
        await using var database = await TestDatabase.CreateAsync();
        await using var host = await HostProcess.StartAsync(database.ConnectionString, [.. levels, "--Auth:SessionUpdateAge=0:00:01", "--Auth:ConfirmDeletion=true"]);
        using var people = new Journey(host.Url);
        var search = await Everything(people);
        await Settled(database);

        var copy = await Backup(database);
        Assert.Contains("ada@example.com", copy, StringComparison.Ordinal);
        Assert.Contains(Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(people.LiveToken))), copy, StringComparison.Ordinal);
        Assert.Empty(search.In(copy));
        if (await Dump(database) is { } dump)
        {
            Assert.Contains("ada@example.com", dump, StringComparison.Ordinal);
            Assert.Empty(search.In(dump));
        }

        Assert.Empty(search.In(host.Log));
        await NothingIsAccepted(people, Candidates(copy));
    }

    [Fact]
    public async Task The_log_names_the_trace_of_whoever_called()
    {
        const string Trace = "0af7651916cd43dd8448eb211c80319c";
        await using var database = await TestDatabase.CreateAsync();
        await using var host = await HostProcess.StartAsync(database.ConnectionString, "--Logging:LogLevel:Default=Information");
        using var client = new HttpClient { BaseAddress = new Uri(host.Url) };
        client.DefaultRequestHeaders.Add("traceparent", $"00-{Trace}-b7ad6b7169203331-01");
        using var answer = await client.GetAsync("/healthz/live");
        for (var deadline = DateTime.UtcNow.AddSeconds(10); !host.Log.Contains("GET /healthz/live", StringComparison.Ordinal); await Task.Delay(50))
            Assert.True(DateTime.UtcNow < deadline, host.Log);
        Assert.Contains($"trace {Trace}", host.Log, StringComparison.Ordinal);
    }

    [Fact]
    public async Task In_production_a_line_is_json_and_names_the_trace_that_the_audit_entry_calls_its_request()
    {
        const string Trace = "0af7651916cd43dd8448eb211c80319c";
        await using var database = await TestDatabase.CreateAsync();
        await using var host = await HostProcess.StartAsync(
            database.ConnectionString, "--environment=Production", "--Auth:PasswordIterations=220000", "--Logging:LogLevel:Default=Information", "--Auth:Debug=true");
        using var client = new HttpClient { BaseAddress = new Uri(host.Url) };
        client.DefaultRequestHeaders.Add("traceparent", $"00-{Trace}-b7ad6b7169203331-01");
        using var answer = await client.PostAsJsonAsync("/api/auth/sign-up/email", new { name = "Ada", email = "ada@example.com", password = Password });
        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        for (var deadline = DateTime.UtcNow.AddSeconds(10); !host.Log.Contains("POST /api/auth/sign-up/email 200", StringComparison.Ordinal); await Task.Delay(50))
            Assert.True(DateTime.UtcNow < deadline, host.Log);

        var lines = host.Log.Split('\n').Where(line => line.StartsWith('{')).Select(line => JsonDocument.Parse(line).RootElement).ToList();
        Assert.Contains(lines, line => line.GetProperty("Message").GetString()!.StartsWith("Auth:Debug is on", StringComparison.Ordinal));
        foreach (var start in (string[])["POST /api/auth/sign-up/email 200", "session.started.1: done", "cookie: set"])
        {
            var line = Assert.Single(lines, line => line.GetProperty("Message").GetString()!.StartsWith(start, StringComparison.Ordinal));
            Assert.Contains(line.GetProperty("Scopes").EnumerateArray(), scope =>
                scope.ValueKind == JsonValueKind.Object && scope.TryGetProperty("TraceId", out var id) && id.GetString() == Trace && scope.TryGetProperty("SpanId", out _));
        }

        await using var numbers = new Numbers(database.ConnectionString);
        Assert.True(await numbers.Of($"select count(*) from sessions.mt_events where encode(canonical, 'escape') like '%{Trace}%'") > 0);
    }

    [Fact]
    public async Task The_log_says_which_route_was_asked_and_how_it_was_answered()
    {
        await using var database = await TestDatabase.CreateAsync();
        await using var host = await HostProcess.StartAsync(database.ConnectionString, "--Logging:LogLevel:Default=Information");
        using var people = new Journey(host.Url);
        await people.Get("/api/auth/reset-password/abcdefghijklmnopqrstuvwxyz?callbackURL=/reset");
        await people.Get("/reset-password/abcdefghijklmnopqrstuvwxyz/");
        await people.Get("/nothing/here%0Ainfo:%20forged");
        for (var deadline = DateTime.UtcNow.AddSeconds(10); !host.Log.Contains("GET /nothing", StringComparison.Ordinal); await Task.Delay(50))
            Assert.True(DateTime.UtcNow < deadline, host.Log);
        Assert.Contains("GET /api/auth/reset-password/{token} 302 in ", host.Log, StringComparison.Ordinal);
        Assert.Contains("GET /reset-password/…/ 404 in ", host.Log, StringComparison.Ordinal);
        Assert.DoesNotContain("info: forged", host.Log, StringComparison.Ordinal);
    }

    /// <summary>Everybody does everything that makes a secret; answers with what to look for.</summary>
    private static async Task<SecretSearch> Everything(Journey people)
    {
        var search = people.Search;
        search.Add("Auth:Secret", ServerSecret);
        search.Add("a password", Password);
        search.Add("a new password", NewPassword);
        await people.SignUp("ada@example.com", Password);
        await people.SignIn("ada@example.com", Password, rememberMe: false);
        await Task.Delay(TimeSpan.FromSeconds(1.2));
        await people.Get("/api/auth/get-session");

        const string Wrong = "a wrong one, typed by mistake";
        search.Add("a wrong password", Wrong);
        await people.Post("/api/auth/sign-in/email", new { email = "ada@example.com", password = Wrong });
        await people.Post("/api/auth/change-password", new { currentPassword = Wrong, newPassword = NewPassword });

        var verification = await people.Link("verify-email", "/api/auth/send-verification-email", new { email = "ada@example.com", callbackURL = "/welcome" });
        await people.Get(verification.PathAndQuery);
        await people.Link("verify-email", "/api/auth/change-email", new { newEmail = "ada.later@example.com" }, to: "ada.later@example.com");
        await people.Link("delete-user", "/api/auth/delete-user", new { password = Password });
        await people.Link("magic-link/verify", "/api/auth/sign-in/magic-link", new { email = "ada@example.com" });
        await ResetPassword(people);
        await SignInElsewhere(people);
        await people.SignIn("ada@example.com", NewPassword, rememberMe: true);
        return search;
    }

    private static async Task ResetPassword(Journey people)
    {
        var reset = await people.Link("reset-password", "/api/auth/request-password-reset", new { email = "ada@example.com", redirectTo = "/reset" });
        var token = reset.Segments[^1];
        await people.Get(reset.PathAndQuery);
        // As people mistype: another path, another method, a code in the query of something else.
        await people.Get($"/api/auth/reset-password/{token}/?callbackURL=/reset");
        await people.Get($"/reset-password/{token}");
        await people.Get($"/api/auth/reset-password?token={token}");
        await people.Get($"/api/auth/verify-email?token={token}");
        await people.Post("/api/auth/reset-password", new { newPassword = "short", token });
        Assert.Equal(HttpStatusCode.OK, await people.Post("/api/auth/reset-password", new { newPassword = NewPassword, token }));
        await people.Link("reset-password", "/api/auth/request-password-reset", new { email = "ada@example.com" });
    }

    // What a provider sends back comes in a query too. Whether one is configured does not matter to the log.
    private static async Task SignInElsewhere(Journey people)
    {
        const string Code = "a-code-of-the-provider-0001";
        const string State = "a-state-of-the-sign-in-00001";
        people.Search.Add("a provider's code", Code);
        people.Search.Add("a state", State);
        await people.Post("/api/auth/sign-in/social", new { provider = "github", callbackURL = "/" });
        await people.Get($"/api/auth/callback/github?code={Code}&state={State}");
    }

    private static async Task Settled(TestDatabase database)
    {
        await using var numbers = new Numbers(database.ConnectionString);
        for (var deadline = DateTime.UtcNow.AddSeconds(30); await numbers.Of("select count(*) from messaging.incoming_envelopes where execution_time < now()") > 0; await Task.Delay(50))
            Assert.True(DateTime.UtcNow < deadline, "Messages are still waiting.");
    }

    private async Task<string> Backup(TestDatabase database)
    {
        var file = _scratch[$"{Guid.NewGuid():n}.zip"];
        var made = await new CommandLine(database.ConnectionString).Run("db", "backup", file);
        Assert.True(made.ExitCode == 0, made.Error);
        await using var zip = await ZipFile.OpenReadAsync(file);
        var text = new StringBuilder();
        foreach (var entry in zip.Entries)
        {
            using var reader = new StreamReader(await entry.OpenAsync());
            text.Append(await reader.ReadToEndAsync());
        }

        return text.ToString();
    }

    private async Task<string?> Dump(TestDatabase database)
    {
        await using var connection = new NpgsqlConnection(database.ConnectionString);
        await connection.OpenAsync();
        var address = new NpgsqlConnectionStringBuilder(database.ConnectionString);
        if (await PgDump.Of(connection.PostgreSqlVersion.Major) is not { } program)
        {
            output.WriteLine($"Without pg_dump: none of PostgreSQL {connection.PostgreSqlVersion.Major} is on this machine.");
            return null;
        }

        return await program.Run(address);
    }

    /// <summary>Everything in the copy that could be a token, and each bytea in the forms that a token has.</summary>
    private static HashSet<string> Candidates(string copy)
    {
        var found = Token().Matches(copy).Select(match => match.Value).Where(text => text.Length <= 200).ToHashSet();
        foreach (var hex in Hex().Matches(copy).Select(match => match.Groups[1].Value).Where(hex => hex.Length is >= 32 and <= 128 && hex.Length % 2 == 0))
        {
            var bytes = Convert.FromHexString(hex);
            found.Add(Convert.ToBase64String(bytes));
            found.Add(System.Buffers.Text.Base64Url.EncodeToString(bytes));
        }

        Assert.True(found.Count > 100, "a copy holds more than that");
        return found;
    }

    private static async Task NothingIsAccepted(Journey people, HashSet<string> candidates)
    {
        // The check can see a session where there is one.
        Assert.True(await people.IsSignedIn(people.LiveCookie, bearer: null));
        var accepted = new System.Collections.Concurrent.ConcurrentBag<string>();
        await Parallel.ForEachAsync(candidates, new ParallelOptions { MaxDegreeOfParallelism = AtOnce }, async (text, _) =>
        {
            var signature = Convert.ToBase64String(HMACSHA256.HashData("another secret"u8, Encoding.UTF8.GetBytes(text)));
            string[] cookies = [Uri.EscapeDataString(text), Uri.EscapeDataString($"{text}.{signature}")];
            foreach (var cookie in cookies)
            {
                if (await people.IsSignedIn($"better-auth.session_token={cookie}", bearer: null))
                    accepted.Add($"{text} as a cookie");
            }

            if (await people.IsSignedIn(cookie: null, text))
                accepted.Add($"{text} as a bearer token");
            if (await people.IsAcceptedLink(text))
                accepted.Add($"{text} as a link");
        });
        Assert.Empty(accepted);
        Assert.True(await people.IsSignedIn(people.LiveCookie, bearer: null));
    }

    [GeneratedRegex(@"[A-Za-z0-9_+/=.~-]{16,}")]
    private static partial Regex Token();

    [GeneratedRegex(@"\\x([0-9a-f]+)")]
    private static partial Regex Hex();

    /// <summary>One browser that keeps everything that it was ever given.</summary>
    private sealed class Journey : IDisposable
    {
        private readonly HttpClient _client;
        private readonly string _url;

        public Journey(string url)
        {
            _url = url;
            _client = new HttpClient(new SocketsHttpHandler { UseCookies = false, AllowAutoRedirect = false }) { BaseAddress = new Uri(url) };
        }

        public SecretSearch Search { get; } = new();

        public string LiveToken { get; private set; } = "";

        public string LiveCookie { get; private set; } = "";

        public void Dispose() => _client.Dispose();

        public Task SignUp(string email, string password) => Begin("/api/auth/sign-up/email", new { name = "Ada", email, password });

        public Task SignIn(string email, string password, bool rememberMe) => Begin("/api/auth/sign-in/email", new { email, password, rememberMe });

        public async Task Get(string path)
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, path);
            using var _ = await Send(request);
        }

        public async Task<HttpStatusCode> Post(string path, object body)
        {
            using var request = new HttpRequestMessage(HttpMethod.Post, path) { Content = JsonContent.Create(body) };
            using var answer = await Send(request);
            return answer.StatusCode;
        }

        /// <summary>Asks for a mail and waits for its link.</summary>
        public async Task<Uri> Link(string path, string ask, object body, string to = "ada@example.com")
        {
            var before = await Links(path, to);
            Assert.Equal(HttpStatusCode.OK, await Post(ask, body));
            for (var deadline = DateTime.UtcNow.AddSeconds(20); ; await Task.Delay(50))
            {
                if ((await Links(path, to)).Except(before).FirstOrDefault() is { } link)
                {
                    var uri = new Uri(link);
                    var token = Regex.Match(uri.Query, "[?&]token=([^&]+)") is { Success: true } query ? query.Groups[1].Value : uri.Segments[^1];
                    Search.Add($"the token of a {path} link", token);
                    return uri;
                }

                Assert.True(DateTime.UtcNow < deadline, $"No mail with a {path} link for {to}.");
            }
        }

        public async Task<bool> IsSignedIn(string? cookie, string? bearer)
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, "/api/auth/get-session");
            if (cookie is not null)
                request.Headers.TryAddWithoutValidation("Cookie", cookie);
            if (bearer is not null)
                request.Headers.TryAddWithoutValidation("Authorization", $"Bearer {bearer}");
            using var answer = await _client.SendAsync(request);
            return GivesSession(answer) || await answer.Content.ReadAsStringAsync() != "null";
        }

        /// <summary>Whether it is good as the token of any link.</summary>
        public async Task<bool> IsAcceptedLink(string token)
        {
            var text = Uri.EscapeDataString(token);
            using var verified = await _client.GetAsync($"/api/auth/verify-email?token={text}");
            using var magic = await _client.GetAsync($"/api/auth/magic-link/verify?token={text}");
            using var reset = await _client.PostAsJsonAsync("/api/auth/reset-password", new { newPassword = "set by a thief 12", token });
            using var deletion = new HttpRequestMessage(HttpMethod.Get, $"/api/auth/delete-user/callback?token={text}");
            deletion.Headers.Add("Cookie", LiveCookie);
            using var deleted = await _client.SendAsync(deletion);
            // The last one has a session, whose cookie may be refreshed.
            return GivesSession(verified) || GivesSession(reset) || GivesSession(magic)
                || new[] { verified, reset, deleted }.Any(answer => (int)answer.StatusCode is not (>= 400 and < 500));
        }

        private static bool GivesSession(HttpResponseMessage answer) => SetCookies(answer).Any(cookie =>
            cookie.StartsWith("better-auth.session_token=", StringComparison.Ordinal) && !cookie.Contains("Max-Age=0", StringComparison.Ordinal));

        private static IEnumerable<string> SetCookies(HttpResponseMessage answer) =>
            answer.Headers.TryGetValues("Set-Cookie", out var cookies) ? cookies : [];

        private async Task Begin(string path, object body)
        {
            using var request = new HttpRequestMessage(HttpMethod.Post, path) { Content = JsonContent.Create(body) };
            using var answer = await Send(request);
            Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
            LiveToken = (await answer.Content.ReadFromJsonAsync<JsonElement>()).GetProperty("token").GetString()!;
            Search.Add("a session's token", LiveToken);
        }

        // Its own cookie goes along, and whatever cookie comes back is a secret.
        private async Task<HttpResponseMessage> Send(HttpRequestMessage request)
        {
            request.Headers.Add("Origin", _url);
            if (LiveCookie.Length > 0)
                request.Headers.Add("Cookie", LiveCookie);
            var answer = await _client.SendAsync(request);
            foreach (var cookie in SetCookies(answer).Select(line => line.Split(';')[0]).Where(pair => !pair.EndsWith('=') && !pair.StartsWith("better-auth.last_used_login_method", StringComparison.Ordinal)))
            {
                Search.Add($"the cookie {cookie.Split('=')[0]}", cookie[(cookie.IndexOf('=', StringComparison.Ordinal) + 1)..]);
                if (cookie.StartsWith("better-auth.session_token=", StringComparison.Ordinal))
                    LiveCookie = cookie;
            }

            return answer;
        }

        private async Task<List<string>> Links(string path, string to)
        {
            var mails = await _client.GetFromJsonAsync<JsonElement>($"/dev/mailbox?to={Uri.EscapeDataString(to)}");
            return [.. mails.EnumerateArray()
                .SelectMany(mail => Regex.Matches(mail.GetProperty("text").GetString()!, @"https?://\S+").Select(match => match.Value))
                .Where(link => link.Contains($"/api/auth/{path}", StringComparison.Ordinal))];
        }
    }

    /// <summary>PostgreSQL's own copy, where a program of the server's version is at hand.</summary>
    private sealed class PgDump(string program)
    {
        public static async Task<PgDump?> Of(int major)
        {
            foreach (var candidate in new[] { $"/usr/lib/postgresql/{major}/bin/pg_dump", "pg_dump" })
            {
                try
                {
                    var version = await Output(candidate, "--version");
                    if (Regex.IsMatch(version, $@"\(PostgreSQL\) {major}\b"))
                        return new PgDump(candidate);
                }
                catch (System.ComponentModel.Win32Exception)
                {
                    // Not there.
                }
            }

            return null;
        }

        public Task<string> Run(NpgsqlConnectionStringBuilder address) => Output(
            program, "--host", address.Host!, "--port", $"{address.Port}", "--username", address.Username!, "--dbname", address.Database!,
            $"--env-password={address.Password}");

        private static async Task<string> Output(string program, params string[] arguments)
        {
            var start = new ProcessStartInfo(program) { RedirectStandardOutput = true };
            foreach (var argument in arguments)
            {
                if (argument.StartsWith("--env-password=", StringComparison.Ordinal))
                    start.Environment["PGPASSWORD"] = argument["--env-password=".Length..];
                else
                    start.ArgumentList.Add(argument);
            }

            using var process = Process.Start(start)!;
            var text = await process.StandardOutput.ReadToEndAsync();
            await process.WaitForExitAsync();
            Assert.Equal(0, process.ExitCode);
            return text;
        }
    }
}
