using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using MediatR;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Modular.Messaging;
using Modular.Store;
using Modular.Testing;

namespace Modular.Host.Tests;

/// <summary>A server in this process over a database of the test's, with settings of its own: one node of several.</summary>
internal sealed class RunningHost : IAsyncDisposable
{
    private static readonly HttpClient Client = new(new SocketsHttpHandler { UseCookies = false, AllowAutoRedirect = false });

    private readonly WebApplication _app;

    private RunningHost(WebApplication app) => _app = app;

    public string Url => _app.Urls.First();

    public IServiceProvider Services => _app.Services;

    /// <summary>Everything it has logged.</summary>
    public SaidLines Log => _app.Services.GetRequiredService<SaidLines>();

    public static async Task<RunningHost> Start(string database, params (string Key, string Value)[] settings)
    {
        var all = new Dictionary<string, string?>
        {
            ["ConnectionStrings:Modular"] = $"{database};Maximum Pool Size=8",
            ["Auth:Secret"] = "a secret for tests, long enough to be one",
            ["Auth:PasswordIterations"] = "1000",
            ["Logging:LogLevel:Default"] = "Warning",
        };
        foreach (var (key, value) in settings)
            all[key] = value;
        foreach (var (key, value) in Pooler.Settings(all["ConnectionStrings:Modular"]!))
            all.TryAdd(key, value);
        var app = await HostBuilding.Build(["--environment", "Development", "--urls", "http://127.0.0.1:0"], builder =>
        {
            builder.Configuration.AddInMemoryCollection(all);
            builder.Logging.ClearProviders();
            var said = new SaidLines();
            builder.Services.AddSingleton(said);
            builder.Logging.AddProvider(said);
        });
        await app.StartAsync();
        return new RunningHost(app);
    }

    public async ValueTask DisposeAsync() => await _app.DisposeAsync();

    public async Task Settled()
    {
        await _app.Services.GetRequiredService<IMessagingDaemon>().WaitForEmpty(TimeSpan.FromSeconds(30));
        await Sealed();
    }

    /// <summary>Until every event is an entry; messages that another node had taken when it ended come back in half a minute.</summary>
    public async Task Sealed()
    {
        await _app.Services.GetRequiredService<IProjectionDaemon>().WaitForNonStaleData(TimeSpan.FromSeconds(30));
    }

    /// <summary>Does what a command would do, in this process.</summary>
    public async Task<T> Send<T>(IRequest<T> request)
    {
        await using var scope = _app.Services.CreateAsyncScope();
        return await scope.ServiceProvider.GetRequiredService<IMediator>().Send(request);
    }

    /// <summary>Asks with a jar of cookies, which keeps what it is sent.</summary>
    public async Task<(HttpStatusCode Status, JsonElement Body)> Ask(HttpMethod method, string path, object? body, CookieJar jar)
    {
        using var request = new HttpRequestMessage(method, Url + path) { Content = body is null ? null : JsonContent.Create(body) };
        request.Headers.Add("Origin", Url);
        if (jar.Header.Length > 0)
            request.Headers.Add("Cookie", jar.Header);
        using var answer = await Client.SendAsync(request);
        jar.Keep(answer);
        var text = await answer.Content.ReadAsStringAsync();
        return (answer.StatusCode, text.Length == 0 ? default : JsonDocument.Parse(text).RootElement);
    }

    public async Task<JsonElement> Post(string path, object body, CookieJar jar)
    {
        var (status, answer) = await Ask(HttpMethod.Post, path, body, jar);
        Assert.True(status == HttpStatusCode.OK, $"{path}: {status} {answer}");
        return answer;
    }

    /// <summary>Whether the jar's session is accepted; the jar stays as it is.</summary>
    public async Task<bool> IsIn(CookieJar jar) =>
        (await Ask(HttpMethod.Get, "/api/auth/get-session", null, jar.Copy())).Body.ValueKind == JsonValueKind.Object;

    public async Task<CookieJar> SignUp(string email, string password)
    {
        var jar = new CookieJar();
        await Post("/api/auth/sign-up/email", new { name = "Ada", email, password }, jar);
        return jar;
    }

    public async Task<CookieJar> SignIn(string email, string password)
    {
        var jar = new CookieJar();
        await Post("/api/auth/sign-in/email", new { email, password }, jar);
        return jar;
    }
}

/// <summary>Cookies by name, as they go over the wire.</summary>
internal sealed class CookieJar
{
    private readonly Dictionary<string, string> _cookies = [];

    public string Header => string.Join("; ", _cookies.Select(cookie => $"{cookie.Key}={cookie.Value}"));

    public string this[string name] => _cookies[name];

    public CookieJar Copy()
    {
        var copy = new CookieJar();
        foreach (var (name, value) in _cookies)
            copy._cookies[name] = value;
        return copy;
    }

    public void Keep(HttpResponseMessage answer)
    {
        foreach (var set in answer.Headers.TryGetValues("Set-Cookie", out var values) ? values : [])
        {
            var pair = set.Split(';')[0];
            var at = pair.IndexOf('=', StringComparison.Ordinal);
            if (set.Contains("Max-Age=0", StringComparison.Ordinal))
                _cookies.Remove(pair[..at]);
            else
                _cookies[pair[..at]] = pair[(at + 1)..];
        }
    }
}

/// <summary>Keeps what is logged.</summary>
internal sealed class SaidLines : ILoggerProvider
{
    private readonly System.Collections.Concurrent.ConcurrentQueue<(string Category, LogLevel Level, string Text)> _said = new();

    public IReadOnlyList<string> Of(string category) => [.. _said.Where(line => line.Category == category).Select(line => line.Text)];

    public IReadOnlyList<string> Warnings => [.. _said.Where(line => line.Level >= LogLevel.Warning).Select(line => line.Text)];

    public ILogger CreateLogger(string categoryName) => new Listener(this, categoryName);

    public void Dispose()
    {
    }

    private sealed class Listener(SaidLines all, string category) : ILogger
    {
        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) =>
            all._said.Enqueue((category, logLevel, formatter(state, exception) + exception));
    }
}
