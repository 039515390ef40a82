using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Modular.Host;
using Modular.Messaging;
using Modular.Store;
using Npgsql;
using Xunit;

namespace Modular.Testing;

/// <summary>
/// The whole server on a port of its own, over a fresh database. One per test class as a fixture; several over one
/// database are several nodes (<see cref="AnotherNode"/>).
/// </summary>
public class App : IAsyncLifetime
{
    private readonly Dictionary<string, string?> _settings;
    private readonly App? _first;
    private TestDatabase? _database;
    private WebApplication? _host;

    public App()
        : this([])
    {
    }

    /// <param name="settings">Settings of the server beside the ones every test has.</param>
    protected App(Dictionary<string, string?> settings) => _settings = settings;

    private App(App first)
        : this(first._settings) => _first = first;

    /// <summary>Where the server listens, without a trailing slash.</summary>
    public string Url { get; private set; } = "";

    /// <summary>The server's container.</summary>
    public IServiceProvider Services => _host!.Services;

    /// <summary>The database, in Npgsql's form.</summary>
    public string ConnectionString => _first?.ConnectionString ?? _database!.ConnectionString;

    /// <summary>The server's clock; the real one until a test moves it.</summary>
    public TestClock Clock { get; } = new();

    /// <summary>Services that a test class adds or replaces.</summary>
    protected virtual void Configure(IServiceCollection services)
    {
    }

    /// <summary>The last word on services: what a test class puts in the place of what the modules registered.</summary>
    protected virtual void Replace(IServiceCollection services)
    {
    }

    public virtual async Task InitializeAsync()
    {
        if (_first is null)
            _database = await TestDatabase.CreateAsync();
        await Start();
    }

    public virtual async Task DisposeAsync()
    {
        if (_host is not null)
            await _host.DisposeAsync();
        if (_database is not null)
            await _database.DisposeAsync();
    }

    /// <summary>Another server over the same database; the caller disposes it first.</summary>
    public async Task<App> AnotherNode()
    {
        var node = new App(_first ?? this);
        await node.InitializeAsync();
        return node;
    }

    /// <summary>Stops the server and starts it again over the same database, on another port.</summary>
    public async Task Restart()
    {
        await _host!.DisposeAsync();
        await Start();
    }

    /// <summary>One request and what is expected of its answer, in Alba's shape.</summary>
    public async Task<ScenarioResult> Scenario(Action<Scenario> configure)
    {
        using var scenario = new Scenario(Url);
        configure(scenario);
        return await scenario.Run();
    }

    /// <summary>A client with a cookie jar and an Origin, as a browser of our own origin has.</summary>
    public Browser Browser() => new(Url);

    /// <summary>Waits until every consequence of what is committed has happened: messages handled, entries sealed.</summary>
    public virtual async Task Settled()
    {
        // Messages first: handling one makes events.
        do
            await Services.GetRequiredService<IMessagingDaemon>().WaitForEmpty(TimeSpan.FromSeconds(30));
        while (await LostARace());
        await Services.GetRequiredService<IProjectionDaemon>().WaitForNonStaleData(TimeSpan.FromSeconds(30));
    }

    // A message whose handling was a lost race is handled again in half a second, which is not now.
    private async Task<bool> LostARace()
    {
        const string Waiting = """
            select count(*) from messaging.incoming_envelopes
            where last_error like '%ConcurrencyException%' and execution_time < now() + $1 + interval '5 seconds'
            """;
        if (await Count("select count(to_regclass('messaging.incoming_envelopes'))") == 0 || await Count(Waiting, Clock.GetUtcNow() - DateTimeOffset.UtcNow) == 0)
            return false;
        await Task.Delay(50);
        return true;
    }

    /// <summary>Rows of a query as text, for assertions on tables.</summary>
    public async Task<IReadOnlyList<IReadOnlyList<object?>>> Sql(string sql, params object[] parameters)
    {
        await using var connection = new NpgsqlConnection(ConnectionString);
        await connection.OpenAsync();
        await using var command = new NpgsqlCommand(sql, connection);
        foreach (var parameter in parameters)
            command.Parameters.Add(new NpgsqlParameter { Value = parameter });
        await using var reader = await command.ExecuteReaderAsync();
        var rows = new List<IReadOnlyList<object?>>();
        while (await reader.ReadAsync())
            rows.Add([.. Enumerable.Range(0, reader.FieldCount).Select(at => reader.IsDBNull(at) ? null : reader.GetValue(at))]);
        return rows;
    }

    /// <summary>The single number a query answers.</summary>
    public async Task<long> Count(string sql, params object[] parameters) =>
        Convert.ToInt64((await Sql(sql, parameters))[0][0], System.Globalization.CultureInfo.InvariantCulture);

    private async Task Start()
    {
        var settings = new Dictionary<string, string?>
        {
            ["ConnectionStrings:Modular"] = new NpgsqlConnectionStringBuilder(ConnectionString) { MaxPoolSize = 8 }.ConnectionString,
            ["Auth:Secret"] = "a secret for tests, long enough to be one",
            ["Auth:PasswordIterations"] = "1000",
            ["Logging:LogLevel:Default"] = "Warning",
        };
        foreach (var (key, value) in _settings)
            settings[key] = value;
        foreach (var (key, value) in Pooler.Settings(settings["ConnectionStrings:Modular"]!))
            settings.TryAdd(key, value);
        _host = await HostBuilding.Build(
            ["--environment", "Development", "--urls", "http://127.0.0.1:0"],
            builder =>
            {
                builder.Configuration.AddInMemoryCollection(settings);
                builder.Logging.ClearProviders();
                builder.Services.AddSingleton<TimeProvider>(Clock);
                Configure(builder.Services);
                builder.Host.ConfigureContainer<IServiceCollection>((_, services) => Replace(services));
            });
        await _host.StartAsync();
        Url = _host.Urls.First();
    }
}

/// <summary>The real time plus what a test adds.</summary>
public sealed class TestClock : TimeProvider
{
    private TimeSpan _ahead;

    public override DateTimeOffset GetUtcNow() => System.GetUtcNow() + _ahead;

    /// <summary>Moves the clock.</summary>
    public void Advance(TimeSpan by) => _ahead += by;
}

/// <summary>What the server answered.</summary>
public sealed class ScenarioResult(HttpResponseMessage response, string body)
{
    public HttpResponseMessage Response => response;

    public int Status => (int)response.StatusCode;

    public string Body => body;

    public string? Header(string name) =>
        response.Headers.TryGetValues(name, out var values) || response.Content.Headers.TryGetValues(name, out values)
            ? string.Join(", ", values)
            : null;

    public IReadOnlyList<string> SetCookies =>
        response.Headers.TryGetValues("Set-Cookie", out var values) ? [.. values] : [];

    /// <summary>Without those that come along with a session's own: of several users of a browser, and the way of signing in.</summary>
    public IReadOnlyList<string> OwnCookies =>
        [.. SetCookies.Where(cookie => !cookie.Contains(".session_token_multi-", StringComparison.Ordinal) && !cookie.Contains(".last_used_login_method=", StringComparison.Ordinal))];

    public JsonElement Json() => JsonDocument.Parse(body).RootElement;
}
