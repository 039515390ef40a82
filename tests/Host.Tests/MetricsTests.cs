using System.Diagnostics.Metrics;
using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;
using Modular.Host.Metrics;
using Modular.Testing;

namespace Modular.Host.Tests;

public sealed class MeasuredApp() : App(new()
{
    ["Metrics:Token"] = MeasuredApp.Token,
    ["Auth:PasswordIterations"] = "1000",
})
{
    public const string Token = "a-token-for-the-scraper";
}

public sealed partial class MetricsTests(MeasuredApp app) : IClassFixture<MeasuredApp>
{
    [Fact]
    public async Task Everything_that_an_operator_watches_is_there_in_a_text_that_prometheus_reads()
    {
        var ada = app.Browser();
        await app.Scenario(_ => _.As(ada).Post.Json(new { name = "Ada", email = "ada.measured@example.com", password = "quite unlikely 1" }).ToUrl("/api/auth/sign-up/email"));
        await app.Scenario(_ =>
        {
            _.As(app.Browser()).Post.Json(new { email = "ada.measured@example.com", password = "quite wrong, that" }).ToUrl("/api/auth/sign-in/email");
            _.StatusCodeShouldBe(401);
        });
        for (var check = 0; check < 3; check++)
            await app.Scenario(_ => _.As(ada).Get.Url("/api/auth/get-session"));
        await app.Settled();
        // Sessions are counted at most every 15 seconds.
        app.Clock.Advance(TimeSpan.FromSeconds(20));
        var metrics = await Scrape();

        Assert.True(metrics.Value("modular_sign_ins_total", ("outcome", "success"), ("method", "password")) >= 1, metrics.Text);
        Assert.True(metrics.Value("modular_sign_ins_total", ("outcome", "refused"), ("reason", "wrong_password")) >= 1);
        Assert.True(metrics.Value("modular_sessions_table_hits_total") + metrics.Value("modular_sessions_table_misses_total") >= 3);
        Assert.True(metrics.Value("modular_sessions_active") >= 1);
        Assert.True(metrics.Value("http_server_request_duration_seconds_count", ("http_route", "/api/auth/sign-in/email"), ("http_response_status_code", "401"), ("http_request_method", "POST")) >= 1);
        Assert.Equal(0, metrics.Value("modular_messaging_dead_letters"));
        Assert.Equal(0, metrics.Value("modular_password_queue_depth"));
        Assert.True(metrics.Value("modular_password_queue_wait_seconds_count") >= 2);
        Assert.True(metrics.Value("modular_events_committed_total", ("type", "session.started.1"), ("outcome", "success")) >= 1);
        Assert.Contains("modular_store_subscription_lag_seconds", metrics.Kinds.Keys);
        Assert.Contains("dotnet_process_memory_working_set_bytes", metrics.Kinds.Keys);
        Assert.Contains(metrics.Kinds.Keys, name => name.StartsWith("db_client_connection", StringComparison.Ordinal));
        Assert.Equal("counter", metrics.Kinds["modular_sign_ins_total"]);
        Assert.Equal("histogram", metrics.Kinds["http_server_request_duration_seconds"]);
        Assert.DoesNotContain("ada.measured", metrics.Text, StringComparison.Ordinal);
        Assert.DoesNotContain("Password=", metrics.Text, StringComparison.OrdinalIgnoreCase);
        Assert.DoesNotContain("Host=", metrics.Text, StringComparison.OrdinalIgnoreCase);
    }

    [Fact]
    public async Task Session_checks_are_counted_and_not_timed()
    {
        var bob = app.Browser();
        await app.Scenario(_ => _.As(bob).Post.Json(new { name = "Bob", email = "bob.measured@example.com", password = "quite unlikely 1" }).ToUrl("/api/auth/sign-up/email"));
        // Without an Origin, as a back end asks: with one it goes the way of all requests.
        Task Check() => app.Scenario(_ => { _.WithRequestHeader("Cookie", bob.CookieHeader); _.Get.Url("/api/auth/get-session"); });
        await Check();
        var before = await Scrape();
        for (var check = 0; check < 20; check++)
            await Check();
        var after = await Scrape();
        double Checks(Exposition metrics) => metrics.Value("modular_sessions_table_hits_total") + metrics.Value("modular_sessions_table_misses_total");
        Assert.Equal(20, Checks(after) - Checks(before));
        Assert.Equal(
            before.Value("http_server_request_duration_seconds_count", ("http_route", "/api/auth/get-session")),
            after.Value("http_server_request_duration_seconds_count", ("http_route", "/api/auth/get-session")));
    }

    [Theory]
    [InlineData(null)]
    [InlineData("Bearer another-token-altogether")]
    [InlineData("Basic YS10b2tlbi1mb3ItdGhlLXNjcmFwZXI=")]
    public async Task Nobody_without_the_token_learns_anything(string? authorization)
    {
        var answer = await app.Scenario(_ =>
        {
            _.Get.Url("/metrics");
            if (authorization is not null)
                _.WithRequestHeader("Authorization", authorization);
            _.StatusCodeShouldBe(401);
        });
        Assert.Equal("", answer.Body);
    }

    [Fact]
    public async Task No_path_and_no_method_that_somebody_makes_up_becomes_a_label()
    {
        for (var number = 0; number < 20; number++)
            await app.Scenario(_ => { _.Get.Url($"/made/up/{number}"); _.StatusCodeShouldBe(404); });
        using var client = new HttpClient();
        using var odd = new HttpRequestMessage(new HttpMethod("FROBNICATE"), $"{app.Url}/made/up");
        using var _ = await client.SendAsync(odd);
        var metrics = await Scrape();
        Assert.DoesNotContain("made", metrics.Text, StringComparison.Ordinal);
        Assert.DoesNotContain("FROBNICATE", metrics.Text, StringComparison.Ordinal);
        Assert.Contains("http_request_method=\"_OTHER\"", metrics.Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Many_who_scrape_while_many_work_see_counters_that_only_rise()
    {
        using var stop = new CancellationTokenSource();
        var work = Task.Run(async () =>
        {
            while (!stop.IsCancellationRequested)
                await app.Scenario(_ => _.Get.Url("/healthz/live"));
        });
        await Task.WhenAll(Enumerable.Range(0, 4).Select(async _ =>
        {
            var last = -1d;
            for (var round = 0; round < 10; round++)
            {
                var now = (await Scrape()).Value("http_server_request_duration_seconds_count", ("http_route", "/healthz/live"));
                Assert.True(now >= last, $"{now} after {last}");
                last = now;
            }
        }));
        await stop.CancelAsync();
        await work;
    }

    [Fact]
    public void Names_units_labels_and_buckets_are_as_prometheus_has_them()
    {
        using var meter = new Meter("a test of names");
        var wait = new MetricFamily(meter.CreateHistogram<double>("a.wait", "s", "How long.\nIn \\ seconds"));
        KeyValuePair<string, object?>[] tags = [new("b.c", "say \"hi\"\\\n"), new("a", 1), new("le", true)];
        foreach (var value in (double[])[0.0005, 0.02, 0.02, 99, double.NaN, double.PositiveInfinity])
            wait.Record(value, tags, 0);
        wait.Record(1, [new("le", true), new("a", 1), new("b.c", "say \"hi\"\\\n")], 0);
        var text = new StringBuilder();
        wait.Write(text, 0);
        const string Labels = """a="1",b_c="say \"hi\"\\\n",le_="true" """;
        var lines = text.ToString().Split('\n');
        Assert.Equal(@"# HELP a_wait_seconds How long.\nIn \\ seconds", lines[0]);
        Assert.Equal("# TYPE a_wait_seconds histogram", lines[1]);
        Assert.Equal($$"""a_wait_seconds_bucket{{{Labels.Trim()}},le="0.001"} 1""", lines[2]);
        Assert.Contains($$"""a_wait_seconds_bucket{{{Labels.Trim()}},le="0.025"} 3""", lines);
        Assert.Contains($$"""a_wait_seconds_bucket{{{Labels.Trim()}},le="+Inf"} 5""", lines);
        Assert.Contains($$"""a_wait_seconds_sum{{{Labels.Trim()}}} 100.0405""", lines);
        Assert.Contains($$"""a_wait_seconds_count{{{Labels.Trim()}}} 5""", lines);

        Assert.Equal("some_sent_bytes_total", new MetricFamily(meter.CreateCounter<long>("some.sent", "By")).Name);
        Assert.Equal("some_messages_total", new MetricFamily(meter.CreateCounter<long>("some.messages", "{message}")).Name);
        Assert.Equal("some_share_ratio", new MetricFamily(meter.CreateGauge<double>("some.share", "1")).Name);
        Assert.Equal("a_time_seconds", new MetricFamily(meter.CreateUpDownCounter<double>("a.time.seconds", "s")).Name);
        Assert.Equal(MetricKind.Gauge, new MetricFamily(meter.CreateUpDownCounter<double>("some.open")).Kind);
        _ = new Exposition(text.ToString());
    }

    [Fact]
    public void No_label_fills_the_memory()
    {
        using var meter = new Meter("a test of labels");
        var family = new MetricFamily(meter.CreateCounter<long>("some"));
        for (var number = 0; number < 3 * MetricFamily.MostSeries; number++)
            family.Record(1, [new("number", number)], 0);
        var text = new StringBuilder();
        family.Write(text, 0);
        var lines = text.ToString().Split('\n', StringSplitOptions.RemoveEmptyEntries).Where(line => !line.StartsWith('#')).ToList();
        Assert.Equal(MetricFamily.MostSeries + 1, lines.Count);
        Assert.Contains($"some_total{MetricFamily.Overflow} {2 * MetricFamily.MostSeries}", lines);
    }

    [Theory]
    [InlineData("Production", null, 404)]
    [InlineData("Production", "a-token-for-the-scraper", 401)]
    [InlineData("Development", null, 200)]
    public async Task Without_a_token_only_development_answers(string environment, string? token, int status)
    {
        await using var database = await TestDatabase.CreateAsync();
        string[] settings = ["--environment", environment, "--Auth:PasswordIterations=220000", .. token is null ? Array.Empty<string>() : [$"--Metrics:Token={token}"]];
        await using var host = await HostProcess.StartAsync(database.ConnectionString, settings);
        using var client = new HttpClient();
        using var answer = await client.GetAsync($"{host.Url}/metrics");
        Assert.Equal(status, (int)answer.StatusCode);
        if (status != 200)
            return;
        // A proxy on this machine speaks for somebody else.
        client.DefaultRequestHeaders.Add("X-Forwarded-For", "203.0.113.9");
        using var through = await client.GetAsync($"{host.Url}/metrics");
        Assert.Equal(404, (int)through.StatusCode);
    }

    private async Task<Exposition> Scrape()
    {
        var answer = await app.Scenario(_ =>
        {
            _.WithRequestHeader("Authorization", $"Bearer {MeasuredApp.Token}");
            _.Get.Url("/metrics");
        });
        Assert.Equal("text/plain; version=0.0.4; charset=utf-8", answer.Header("Content-Type"));
        return new Exposition(answer.Body);
    }

    /// <summary>Prometheus' text format, read strictly.</summary>
    private sealed partial class Exposition
    {
        private readonly List<(string Name, string Labels, double Value)> samples = [];

        public Exposition(string text)
        {
            Text = text;
            Assert.EndsWith("\n", text, StringComparison.Ordinal);
            foreach (var line in text.TrimEnd('\n').Split('\n'))
            {
                if (line.StartsWith("# TYPE ", StringComparison.Ordinal))
                    Assert.True(Kinds.TryAdd(line.Split(' ')[2], line.Split(' ')[3]), $"two types: {line}");
                else if (!line.StartsWith("# HELP ", StringComparison.Ordinal))
                    Read(line);
            }

            Assert.Equal(samples.Count, samples.DistinctBy(sample => (sample.Name, sample.Labels)).Count());
        }

        public string Text { get; }

        public Dictionary<string, string> Kinds { get; } = [];

        public double Value(string name, params (string Label, string Value)[] labels) => samples
            .Where(sample => sample.Name == name && labels.All(label => sample.Labels.Contains($"{label.Label}=\"{label.Value}\"", StringComparison.Ordinal)))
            .Sum(sample => sample.Value);

        private void Read(string line)
        {
            var match = Sample().Match(line);
            Assert.True(match.Success, line);
            var value = double.Parse(match.Groups["value"].Value, CultureInfo.InvariantCulture);
            Assert.True(double.IsFinite(value), line);
            var name = match.Groups["name"].Value;
            Assert.True(Kinds.ContainsKey(name) || Kinds.GetValueOrDefault(Suffix().Replace(name, "")) == "histogram", $"no type: {line}");
            samples.Add((name, match.Groups["labels"].Value, value));
        }

        [GeneratedRegex("""^(?<name>[a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(?<labels>[a-zA-Z_][a-zA-Z0-9_]*="(?:[^"\\\n]|\\["\\n])*"(?:,[a-zA-Z_][a-zA-Z0-9_]*="(?:[^"\\\n]|\\["\\n])*")*)\})? (?<value>\S+)$""")]
        private static partial Regex Sample();

        [GeneratedRegex("_(bucket|sum|count)$")]
        private static partial Regex Suffix();
    }
}
