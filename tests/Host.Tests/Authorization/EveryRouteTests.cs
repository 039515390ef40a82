using System.Text;
using System.Text.Json;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Modular.Testing;

namespace Modular.Host.Tests;

/// <summary>
/// Every route of the server against every kind of caller, by the table <c>routes.json</c> and those tables of the modules that
/// it names. A new route fails until a row says who is answered what.
/// </summary>
public sealed class EveryRouteTests(EveryRouteTests.AllOn app) : IClassFixture<EveryRouteTests.AllOn>
{
    private static readonly string Root = FindRoot();

    private static readonly JsonElement Table = Read("tests/Host.Tests/Authorization/routes.json");

    private static readonly HttpClient Client = new(new SocketsHttpHandler { UseCookies = false, AllowAutoRedirect = false });

    [Fact]
    public void No_route_is_without_a_row_and_no_row_without_a_route()
    {
        var routes = Routes().ToHashSet();
        var own = Table.GetProperty("routes").EnumerateObject().Select(row => row.Name).ToList();
        List<string> elsewhere = [.. Table.GetProperty("elsewhere").EnumerateObject().SelectMany(file => RowsOf(file.Name, file.Value.GetString()!))];
        List<string> wrong =
        [
            .. routes.Except(own).Except(elsewhere).Order().Select(route => $"{route} has no row."),
            .. own.Except(routes).Select(row => $"{row} has a row, but there is no such route any more: remove it."),
            .. own.Intersect(elsewhere).Select(row => $"{row} has a row here and in the table of its module: one is enough."),
        ];
        Assert.True(wrong.Count == 0, $$"""
            {{string.Join('\n', wrong)}}
            A row goes into tests/Host.Tests/Authorization/routes.json and says what each caller is answered: the status, and outside /api/auth the code.
            For a route of administrators: { "signed-out": "401 unauthorized", "otherwise": "403 forbidden", "admin": "200" }, with "query": "a=b"
            or "body": {…} where it would be refused for what it lacks. What is answered without a session goes into "open", too.
            """);
    }

    [Fact]
    public async Task Every_caller_is_answered_as_the_table_says()
    {
        var callers = Table.GetProperty("callers").EnumerateArray().Select(name => name.GetString()!).ToList();
        var wrong = new List<string>();
        foreach (var row in Table.GetProperty("routes").EnumerateObject())
        {
            foreach (var caller in callers)
            {
                var given = await Call(row.Name, row.Value, caller == "signed-out" ? null : await app.SignedIn(caller));
                var expected = row.Value.TryGetProperty(caller, out var named) || row.Value.TryGetProperty("otherwise", out named) ? named.GetString() : null;
                if (expected != given)
                    wrong.Add($"{row.Name} as {caller}: {given} instead of {expected ?? "nothing that the table says"}");
            }
        }

        Assert.True(wrong.Count == 0, string.Join('\n', wrong));
    }

    [Fact]
    public void What_is_answered_without_a_session_is_listed_once_more()
    {
        var open = Table.GetProperty("open").EnumerateArray().Select(route => route.GetString()!).ToHashSet();
        var answered = Table.GetProperty("routes").EnumerateObject()
            .Where(row => !(row.Value.TryGetProperty("signed-out", out var own) ? own : row.Value.GetProperty("otherwise")).GetString()!.StartsWith("401", StringComparison.Ordinal))
            .Select(row => row.Name);
        Assert.Equal(open.Order(), answered.Order());
    }

    private IEnumerable<string> Routes() => app.Services.GetServices<EndpointDataSource>().SelectMany(source => source.Endpoints).OfType<RouteEndpoint>()
        .Where(route => !route.RoutePattern.RawText!.Contains("{**", StringComparison.Ordinal))
        .SelectMany(route => (route.Metadata.GetMetadata<IHttpMethodMetadata>()?.HttpMethods ?? ["GET"]).Select(method => $"{method} {Slashed(route.RoutePattern.RawText!)}"))
        .Distinct();

    private static string Slashed(string path) => path.StartsWith('/') ? path : $"/{path}";

    // Tables of modules name their routes without what all of them begin with, and office sessions by another name than {id}.
    private static IEnumerable<string> RowsOf(string file, string prefix)
    {
        var table = Read(file);
        return (table.TryGetProperty("routes", out var routes) ? routes : table).EnumerateObject()
            .Select(row => row.Name.Replace(" ", $" {prefix}", StringComparison.Ordinal).Replace("{session}", "{id}", StringComparison.Ordinal));
    }

    private async Task<string> Call(string route, JsonElement row, string? cookies)
    {
        var (method, path) = (route.Split(' ')[0], route.Split(' ')[1].Replace("{position}", "0", StringComparison.Ordinal).Replace("{provider}", "github", StringComparison.Ordinal));
        if (row.TryGetProperty("path", out var named))
            path = named.GetString()!;
        if (row.TryGetProperty("query", out var query))
            path = $"{path}?{Filled(query.GetString()!)}";
        using var request = new HttpRequestMessage(new HttpMethod(method), app.Url + path);
        if (cookies is not null)
            request.Headers.TryAddWithoutValidation("Cookie", cookies);
        request.Headers.TryAddWithoutValidation("Origin", app.Url);
        if (method != "GET")
            request.Content = new StringContent(row.TryGetProperty("body", out var body) ? Filled(body.GetRawText()) : "{}", Encoding.UTF8, "application/json");
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(20));
        using var answer = await Client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, limit.Token);
        var status = (int)answer.StatusCode;
        if (status < 400 || path.StartsWith("/api/auth/", StringComparison.Ordinal) || !path.StartsWith("/api/", StringComparison.Ordinal))
            return $"{status}";
        var text = await answer.Content.ReadAsStringAsync(limit.Token);
        return text.Length == 0 ? $"{status}" : $"{status} {JsonElement.Parse(text).GetProperty("code").GetString()}";
    }

    private static string Filled(string text) => text.Replace("{new}", Guid.NewGuid().ToString("N"), StringComparison.Ordinal);

    private static JsonElement Read(string file) => JsonElement.Parse(File.ReadAllText(Path.Combine(Root, file)));

    private static string FindRoot()
    {
        var folder = new DirectoryInfo(AppContext.BaseDirectory);
        while (!File.Exists(Path.Combine(folder.FullName, "README.md")))
            folder = folder.Parent ?? throw new InvalidOperationException("No README.md above the test assembly.");
        return folder.FullName;
    }

    /// <summary>A server with everything switched on that can be.</summary>
    public sealed class AllOn() : App(new()
    {
        ["Adapter:ApiKey"] = "a key for tests, long enough to be one, of the adapter",
        ["ApiKeys:VerifierKey"] = "a key for tests, long enough to be one, of back ends",
        ["Clerk:WebhookSecret"] = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
    })
    {
        private const string Password = "correct horse battery";

        /// <summary>The cookies of somebody new with that role.</summary>
        public async Task<string> SignedIn(string role)
        {
            var browser = Browser();
            var answer = await Scenario(_ => _.As(browser).Post.Json(new { name = "Ada", email = $"{Guid.NewGuid():N}@example.com", password = Password }).ToUrl("/api/auth/sign-up/email"));
            var id = answer.Json().GetProperty("user").GetProperty("id").GetString()!;
            if (role is "mentor" or "mentee")
                await Scenario(_ => _.As(browser).Put.Json(new { }).ToUrl($"/api/{role}s/me"));
            if (role is "pm" or "admin")
                await Sql("update identity.mt_doc_user set role = $2, data = jsonb_set(data, '{role}', to_jsonb($2::text)) where id = $1", id, role);
            return browser.CookieHeader;
        }
    }
}
