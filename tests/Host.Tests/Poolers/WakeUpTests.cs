using System.Collections.Concurrent;
using System.Diagnostics;
using System.Net;
using System.Net.Http.Json;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Modular.Host.Database;
using Modular.Store;
using Modular.Testing;

namespace Modular.Host.Tests;

/// <summary>A database that sleeps, wakes up, or is lost for a moment, in front of a server that starts and one that serves.</summary>
public sealed class WakeUpTests : IAsyncLifetime
{
    private TestDatabase? _database;

    private string Direct => _database!.ConnectionString;

    public async Task InitializeAsync() => _database = await TestDatabase.CreateAsync();

    public async Task DisposeAsync() => await _database!.DisposeAsync();

    [Theory]
    [InlineData(null, null)]
    [InlineData("57P03", "the database system is starting up")]
    [InlineData("57P01", "terminating connection due to administrator command")]
    [InlineData("XX000", "Control plane request failed")]
    [InlineData("XX000", "Couldn't connect to compute node")]
    [InlineData("53300", "sorry, too many clients already")]
    public async Task A_start_waits_for_a_database_that_refuses_or_wakes_up(string? state, string? words)
    {
        await using var gate = new Gate(Direct, isOpen: state is not null);
        gate.Answer = state is null ? null : (state, words!);
        var said = new List<string>();

        var reached = new DatabasePatience(TimeSpan.FromSeconds(20), default).Reach(Address(gate), said.Add);
        await Task.Delay(700);
        Assert.False(reached.IsCompleted);
        gate.Answer = null;
        if (state is null)
            gate.Open();
        await reached.WaitAsync(TimeSpan.FromSeconds(10));

        Assert.Equal(2, said.Count);
        Assert.StartsWith("Waiting up to 20 s for the database: ", said[0], StringComparison.Ordinal);
        Assert.StartsWith("The database answers after ", said[1], StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_start_waits_no_longer_than_it_may_and_not_at_all_where_waiting_helps_nothing()
    {
        await using var gate = new Gate(Direct, isOpen: false);
        var started = Stopwatch.StartNew();
        await Assert.ThrowsAnyAsync<Npgsql.NpgsqlException>(() => new DatabasePatience(TimeSpan.FromSeconds(1), default).Reach(Address(gate), _ => { }));
        Assert.InRange(started.ElapsedMilliseconds, 100, 5_000);

        gate.Open();
        gate.Answer = ("28P01", "password authentication failed for user \"ada\"");
        await Assert.ThrowsAsync<Npgsql.PostgresException>(() => new DatabasePatience(TimeSpan.FromMinutes(1), default).Reach(Address(gate), _ => { }));
    }

    [Fact]
    public async Task A_server_starts_over_a_slow_database()
    {
        await using var gate = new Gate(Direct) { Delay = TimeSpan.FromMilliseconds(300) };
        await using var app = new Behind(gate, Direct);
        await app.InitializeAsync();

        Assert.Equal("null", (await app.Scenario(request => request.Get.Url("/api/auth/get-session"))).Body);
    }

    [Fact]
    public async Task Under_load_nothing_is_lost_while_the_database_sleeps_and_wakes_up()
    {
        await using var gate = new Gate(Direct);
        await using var app = new Behind(gate, Direct);
        await app.InitializeAsync();
        await using var load = await Load.Start(app.Url, browsers: 6);

        await Task.Delay(1_500);
        // Suspended: everybody is cut off while nothing is under way, refused, told that it is starting up, and slow at first.
        await load.Paused(() =>
        {
            gate.Close();
            return Task.CompletedTask;
        });
        await Task.Delay(1_500);
        gate.Answer = ("57P03", "the database system is starting up");
        gate.Open();
        await Task.Delay(1_000);
        (gate.Delay, gate.Answer) = (TimeSpan.FromMilliseconds(500), null);
        await Task.Delay(2_500);
        gate.Delay = default;
        await Task.Delay(1_000);

        var answers = await load.End();
        Assert.True(answers.Count > 50, $"only {answers.Count} requests");
        Assert.Empty(answers.Where(answer => answer.Status != HttpStatusCode.OK).Select(answer => $"{answer}: {app.Errors}"));
    }

    [Fact]
    public async Task Cut_off_in_the_middle_reads_are_asked_again_and_a_write_is_never_done_twice()
    {
        await using var gate = new Gate(Direct);
        await using var app = new Behind(gate, Direct);
        await app.InitializeAsync();
        await using var load = await Load.Start(app.Url, browsers: 6);

        for (var cut = 0; cut < 8; cut++)
        {
            await Task.Delay(400);
            gate.Cut();
        }

        await Task.Delay(1_000);
        var answers = await load.End();
        Assert.True(answers.Count > 50, $"only {answers.Count} requests");
        // A write that was under way may be unknown; nothing else may be.
        Assert.DoesNotContain(answers, answer => answer.Status is not (HttpStatusCode.OK or HttpStatusCode.ServiceUnavailable));
        Assert.Empty(answers.Where(answer => answer.Status != HttpStatusCode.OK && !answer.Writes).Select(answer => $"{answer}: {app.Errors}"));
        await using var numbers = new Numbers(Direct);
        var written = await numbers.Of("select count(*) from identity.mt_events where type = 'user.updated.1'");
        var told = answers.Count(answer => answer is { Writes: true, Status: HttpStatusCode.OK });
        Assert.InRange(written, told, answers.Count(answer => answer.Writes));
    }

    [Fact]
    public async Task An_outage_that_lasts_is_answered_503_within_patience_and_then_at_once()
    {
        await using var gate = new Gate(Direct);
        await using var app = new Behind(gate, Direct, ("Modular:RequestPatience", "0:00:01"));
        await app.InitializeAsync();
        var browser = app.Browser();
        await app.Scenario(request =>
        {
            request.Post.Json(new { name = "Ada", email = "ada@example.com", password = "correct horse battery" }).ToUrl("/api/auth/sign-up/email");
            request.As(browser);
        });
        gate.Close();

        Assert.InRange(await Unavailable(), 500, 6_000);
        for (var more = 0; more < 3; more++)
            Assert.InRange(await Unavailable(), 0, 400);

        async Task<long> Unavailable()
        {
            var started = Stopwatch.StartNew();
            await app.Scenario(request =>
            {
                request.Post.Json(new { name = "Augusta" }).ToUrl("/api/auth/update-user");
                request.As(browser);
                request.StatusCodeShouldBe(503);
            });
            return started.ElapsedMilliseconds;
        }
    }

    [Fact]
    public async Task A_server_that_nobody_uses_lets_its_database_sleep_and_wakes_it_for_the_first_who_comes()
    {
        await using var gate = new Gate(Direct);
        await using var app = new Behind(gate, Direct, ("Modular:LetDatabaseSleep", "true"));
        await app.InitializeAsync();
        app.Services.GetRequiredService<FeedSignal>().RestsAfter = TimeSpan.FromSeconds(1);

        // The last look of each loop comes within its usual pause.
        await Task.Delay(17_000);
        var (passed, asked) = (gate.Passed, gate.Asked);
        await Task.Delay(17_000);
        Assert.Equal((passed, asked), (gate.Passed, gate.Asked));

        // It has gone to sleep and cut everybody: nobody comes back to wake it.
        gate.Cut();
        await Task.Delay(3_000);
        Assert.Equal(asked, gate.Asked);

        await app.Scenario(request => request.Post.Json(new { name = "Ada", email = "ada@example.com", password = "correct horse battery" }).ToUrl("/api/auth/sign-up/email"));
        await using var numbers = new Numbers(Direct);
        for (var tries = 0; await numbers.Of("select count(*) from audit.entries") == 0 || await numbers.Of("select count(*) from profiles.mt_events") == 0; tries++)
        {
            Assert.True(tries < 100, "nothing followed from it within 10 s");
            await Task.Delay(100);
        }
    }

    private DatabaseAddress Address(Gate gate) => DatabaseAddress.FromConfiguration(new ConfigurationBuilder()
        .AddInMemoryCollection([new("DATABASE_URL", gate.Through(Direct))]).Build())!;

    /// <summary>A server whose every connection goes through a gate.</summary>
    private sealed class Behind(Gate gate, string direct, params (string Key, string Value)[] settings) : App(new Dictionary<string, string?>(
        settings.Select(setting => KeyValuePair.Create(setting.Key, (string?)setting.Value)))
    {
        ["ConnectionStrings:Modular"] = gate.Through(direct),
        ["DATABASE_URL"] = gate.Through(direct) + ";Maximum Pool Size=8",
        ["DATABASE_URL_UNPOOLED"] = "",
    }), IAsyncDisposable
    {
        private readonly ErrorLog _errors = new();

        /// <summary>What was logged as an error, for the message of a failed test.</summary>
        public string Errors => string.Join(Environment.NewLine, _errors.Lines);

        async ValueTask IAsyncDisposable.DisposeAsync() => await DisposeAsync();

        protected override void Configure(IServiceCollection services) => services.AddLogging(log => log.AddProvider(_errors));
    }

    private sealed class ErrorLog : ILoggerProvider, ILogger
    {
        public ConcurrentQueue<string> Lines { get; } = new();

        public ILogger CreateLogger(string categoryName) => this;

        public void Dispose()
        {
        }

        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => logLevel >= LogLevel.Error;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        {
            if (IsEnabled(logLevel))
                Lines.Enqueue($"{formatter(state, exception)} {exception}");
        }
    }

    private sealed record Answered(string Path, bool Writes, HttpStatusCode Status, string Body);

    /// <summary>People who check their session, look at their sessions and rename themselves, without a pause.</summary>
    private sealed class Load : IAsyncDisposable
    {
        private static readonly string[] Reads = ["/api/auth/get-session", "/api/auth/list-sessions", "/api/auth/get-session?disableCookieCache=true"];

        private readonly ConcurrentQueue<Answered> _answers = new();
        private readonly CancellationTokenSource _end = new();
        private readonly List<SemaphoreSlim> _turns = [];
        private readonly List<Task> _people = [];

        public static async Task<Load> Start(string url, int browsers)
        {
            var load = new Load();
            for (var number = 0; number < browsers; number++)
            {
                var client = new HttpClient { BaseAddress = new Uri(url), Timeout = TimeSpan.FromMinutes(1) };
                client.DefaultRequestHeaders.Add("Origin", url);
                var signedUp = await client.PostAsJsonAsync(
                    "/api/auth/sign-up/email", new { name = "Ada", email = $"ada{number}@example.com", password = "correct horse battery" });
                signedUp.EnsureSuccessStatusCode();
                var turn = new SemaphoreSlim(1);
                load._turns.Add(turn);
                load._people.Add(load.Live(client, turn, number));
            }

            return load;
        }

        /// <summary>Does something while no request is under way.</summary>
        public async Task Paused(Func<Task> work)
        {
            foreach (var turn in _turns)
                await turn.WaitAsync();
            await work();
            _turns.ForEach(turn => turn.Release());
        }

        public async Task<IReadOnlyCollection<Answered>> End()
        {
            await _end.CancelAsync();
            await Task.WhenAll(_people);
            return _answers;
        }

        public async ValueTask DisposeAsync()
        {
            await End();
            _turns.ForEach(turn => turn.Dispose());
            _end.Dispose();
        }

        private async Task Live(HttpClient client, SemaphoreSlim turn, int number)
        {
            using var own = client;
            for (var at = number; !_end.IsCancellationRequested; at++)
            {
                await turn.WaitAsync();
                try
                {
                    var writes = at % 4 == 3;
                    var path = writes ? "/api/auth/update-user" : Reads[at % 4];
                    using var response = writes
                        ? await own.PostAsJsonAsync(path, new { name = $"Ada {at}" })
                        : await own.GetAsync(new Uri(path, UriKind.Relative));
                    _answers.Enqueue(new Answered(path, writes, response.StatusCode, await response.Content.ReadAsStringAsync()));
                }
                finally
                {
                    turn.Release();
                }

                await Task.Delay(15);
            }
        }
    }
}
