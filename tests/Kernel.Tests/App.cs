using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Routing;
using Microsoft.AspNetCore.TestHost;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Modular.Store;

namespace Modular.Kernel.Tests;

/// <summary>A server with the kernel, the module of this assembly and nothing else.</summary>
internal sealed class App : IAsyncDisposable
{
    public const string Secret = "a-secret-of-at-least-32-characters!!";

    private readonly WebApplication app;

    private App(WebApplication app) => this.app = app;

    public ConcurrentLog Log => app.Services.GetRequiredService<ConcurrentLog>();

    public IServiceProvider Services => app.Services;

    public static async Task<App> Start(Dictionary<string, string?>? settings = null, Action<IEndpointRouteBuilder>? routes = null, bool onKestrel = false)
    {
        var builder = WebApplication.CreateSlimBuilder(new WebApplicationOptions { EnvironmentName = Environments.Production });
        if (onKestrel)
            builder.WebHost.UseUrls("http://127.0.0.1:0");
        else
            builder.WebHost.UseTestServer();
        builder.Configuration.AddInMemoryCollection(new Dictionary<string, string?>
        {
            ["Auth:Secret"] = Secret,
            ["Auth:BaseUrl"] = "http://localhost:4877",
            ["Auth:TrustedOrigins"] = "http://app.localhost:3000",
            ["RateLimiting:Enabled"] = "false",
        });
        builder.Configuration.AddInMemoryCollection(settings ?? []);
        var log = new ConcurrentLog();
        builder.Logging.ClearProviders().AddProvider(log);
        builder.Services.AddSingleton(log).AddOpenApi();
        var module = new TestModule();
        // Nobody is there: a unit of work that stages nothing opens no connection.
        builder.Services.AddSingleton(_ => StoreDatabase.Open("Host=127.0.0.1;Port=1")).AddStore(_ => [Secret]);
        builder.Services.AddKernel().AddModule(module, builder.Configuration);

        var app = builder.Build();
        app.UseProblems().UseCaller().UseRateLimiting();
        routes?.Invoke(app);
        app.MapEndpoints([module]);
        app.MapOpenApi();
        await app.StartAsync();
        return new App(app);
    }

    /// <summary>Sends exactly these headers; the answer is status line, headers but lengths, and body, as in the transcripts.</summary>
    public async Task<string> Send(string method, string path, string? body = null, string? type = "application/json", params (string Name, string Value)[] headers)
    {
        using var request = new HttpRequestMessage(new HttpMethod(method), path);
        if (body is not null)
        {
            request.Content = new ByteArrayContent(System.Text.Encoding.UTF8.GetBytes(body));
            if (type is not null)
                request.Content.Headers.TryAddWithoutValidation("Content-Type", type);
        }

        foreach (var (name, value) in headers)
            request.Headers.TryAddWithoutValidation(name, value);
        return await Send(request);
    }

    public async Task<string> Send(HttpRequestMessage request)
    {
        using var client = app.GetTestClient();
        using var response = await client.SendAsync(request);
        var headers = response.Headers.Concat(response.Content.Headers)
            .Where(header => header.Key is not "Content-Length")
            .SelectMany(header => header.Value.Select(value => $"{header.Key.ToLowerInvariant()}: {value}"))
            .Order(StringComparer.Ordinal);
        return string.Join('\n', [((int)response.StatusCode).ToString(System.Globalization.CultureInfo.InvariantCulture), .. headers, await response.Content.ReadAsStringAsync()]);
    }

    public int Port => new Uri(app.Urls.Single()).Port;

    public HttpClient Client() => app.GetTestClient();

    public ValueTask DisposeAsync() => app.DisposeAsync();
}

/// <summary>What was logged as a warning or worse.</summary>
internal sealed class ConcurrentLog : ILoggerProvider, ILogger
{
    private readonly System.Collections.Concurrent.ConcurrentQueue<string> lines = [];

    public IReadOnlyList<string> Lines => [.. lines];

    public ILogger CreateLogger(string categoryName) => this;

    public IDisposable? BeginScope<TState>(TState state)
        where TState : notnull => null;

    public bool IsEnabled(LogLevel logLevel) => logLevel >= LogLevel.Warning;

    public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
    {
        if (IsEnabled(logLevel))
            lines.Enqueue(formatter(state, exception) + (exception is null ? "" : Environment.NewLine + exception));
    }

    public void Dispose()
    {
    }
}
