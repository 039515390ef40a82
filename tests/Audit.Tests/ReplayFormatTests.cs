using System.Diagnostics;
using System.Text.Json;
using Modular.Audit.Contracts;
using Modular.Store;
using Modular.Testing;

namespace Modular.Audit.Tests;

public sealed class ReplayFormatTests(FormattedApp formatted) : IClassFixture<FormattedApp>
{
    private readonly AuditApp app = formatted.App;

    [Fact]
    public async Task Csv_reads_back_as_the_log_and_holds_no_formula()
    {
        var replay = await Replay("?format=csv&until=3", "text/csv; charset=utf-8; header=present");
        var records = Csv(replay.Body);
        Assert.Equal(LogEntry.CsvHeader, string.Join(',', records[0]));
        Assert.Equal(4, records.Count);
        Assert.All(records, record => Assert.Equal(records[0].Count, record.Count));
        var column = records[0].ToList();
        string Cell(int row, string name) => records[row + 1][column.IndexOf(name)];
        Assert.Equal("""'=HYPERLINK("https://evil.example","x")""", Cell(0, "userAgent"));
        Assert.Equal("'@SUM(A1)", Cell(1, "userAgent"));
        Assert.Equal("line one\r\nline, two", Cell(2, "userAgent"));
        var listed = (await Replay("?until=3", "application/x-ndjson")).Body.Split('\n')[0];
        Assert.Equal(JsonDocument.Parse(listed).RootElement.GetProperty("data").GetRawText(), Cell(0, "data"));
        Assert.DoesNotContain(records.Skip(1).SelectMany(record => record), cell => cell.Length > 0 && "=+-@\t\r".Contains(cell[0], StringComparison.Ordinal));
        Assert.DoesNotContain("\n", replay.Body.Replace("\r\n", "", StringComparison.Ordinal), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_cloud_event_has_the_attributes_that_are_required_and_none_that_is_null()
    {
        var lines = (await Replay("?format=cloudevents&until=3", "application/x-ndjson")).Body.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        var batch = (await Replay("?format=cloudevents-batch&until=3", "application/cloudevents-batch+json")).Json();
        Assert.Equal(lines, batch.EnumerateArray().Select(e => e.GetRawText()));
        var first = JsonDocument.Parse(lines[0]).RootElement;
        Assert.Equal(
            ("1.0", "/api/audit/alpha", "gadget.made.1", "ada", "0", "application/json"),
            (Text("specversion"), Text("source"), Text("type"), Text("subject"), Text("position"), Text("datacontenttype")));
        Assert.Equal("g1", first.GetProperty("data").GetProperty("id").GetString());
        Assert.All(first.EnumerateObject(), attribute =>
        {
            Assert.Matches("^[a-z0-9]{1,20}$", attribute.Name);
            Assert.NotEqual(JsonValueKind.Null, attribute.Value.ValueKind);
        });
        string? Text(string name) => first.GetProperty(name).GetString();
    }

    [Theory]
    [InlineData("text/csv", "text/csv; charset=utf-8; header=present")]
    [InlineData("application/x-ndjson", "application/x-ndjson")]
    [InlineData("application/cloudevents-batch+json", "application/cloudevents-batch+json")]
    [InlineData("*/*", "application/x-ndjson")]
    public async Task The_format_is_also_what_the_client_accepts(string accept, string type) => await app.Scenario(_ =>
    {
        _.WithRequestHeader("X-Test-User", "root admin");
        _.WithRequestHeader("Accept", accept);
        _.Get.Url("/api/audit/replay?until=2");
        _.HeaderShouldBe("Content-Type", type);
    });

    [Fact]
    public async Task An_empty_batch_is_an_empty_array() =>
        Assert.Equal("[]", (await Replay("?format=cloudevents-batch&until=0", "application/cloudevents-batch+json")).Body);

    [Theory]
    [InlineData("format=xml", "*/*", "invalid_format")]
    [InlineData("format=csv", "text/event-stream", "invalid_format")]
    [InlineData("format=cloudevents-batch&follow=true", "*/*", "invalid_follow")]
    [InlineData("speed=fast", "*/*", "invalid_pace")]
    [InlineData("speed=0", "*/*", "invalid_pace")]
    [InlineData("rate=-1", "*/*", "invalid_pace")]
    [InlineData("rate=2&speed=2x", "*/*", "invalid_pace")]
    public async Task A_malformed_format_or_pace_is_refused_with_its_code(string query, string accept, string code)
    {
        var answer = await app.Scenario(_ =>
        {
            _.WithRequestHeader("X-Test-User", "root admin");
            _.WithRequestHeader("Accept", accept);
            _.Get.Url($"/api/audit/replay?{query}");
            _.StatusCodeShouldBe(400);
        });
        Assert.Equal(code, answer.Json().GetProperty("code").GetString());
    }

    [Fact]
    public async Task A_replay_keeps_the_pace_that_is_asked_for()
    {
        var watch = Stopwatch.StartNew();
        await Replay("?until=3&rate=4", "application/x-ndjson");
        Assert.InRange(watch.ElapsedMilliseconds, 450, 60_000);
        var rows = await app.Sql("select extract(epoch from max(time) - min(time))::double precision from audit.search where position < 3");
        var took = (double)rows[0][0]!;
        watch.Restart();
        await Replay("?until=3&speed=10x", "application/x-ndjson");
        Assert.InRange(watch.Elapsed.TotalSeconds, (took / 10) - 0.02, 60);
    }

    [Fact]
    public async Task What_was_read_long_ago_is_read_again_before_it_is_shown()
    {
        var subject = $"eve-{Guid.NewGuid():N}";
        var from = await app.Count("select max(position) + 1 from audit.entries");
        await app.Append(("e-1", new NoteWritten("n", "first")));
        await app.Append(("e-2", new GadgetMade("g", subject, "Eve's own")));
        await app.Settled();
        var reading = Replay($"?from={from}&until={from + 2}&rate=0.3", "application/x-ndjson");
        await Task.Delay(500);
        await app.Sql("update store.subject_keys set wrapped = null, shredded = now() where subject = $1", subject);
        ((SubjectKeys)app.Services.GetService(typeof(SubjectKeys))!).Forget(subject);
        Assert.DoesNotContain("Eve's own", (await reading).Body, StringComparison.Ordinal);
    }

    // RFC 4180, written from the text.
    private static List<List<string>> Csv(string text)
    {
        var (records, record, field, isQuoted) = (new List<List<string>>(), new List<string>(), new System.Text.StringBuilder(), false);
        for (var at = 0; at < text.Length; at++)
        {
            switch (text[at])
            {
                case '"' when isQuoted && at + 1 < text.Length && text[at + 1] == '"':
                    field.Append('"');
                    at++;
                    break;
                case '"':
                    isQuoted = !isQuoted;
                    break;
                case ',' when !isQuoted:
                    record.Add(field.ToString());
                    field.Clear();
                    break;
                case '\r' when !isQuoted && text[at + 1] == '\n':
                    record.Add(field.ToString());
                    field.Clear();
                    records.Add(record);
                    record = [];
                    at++;
                    break;
                default:
                    field.Append(text[at]);
                    break;
            }
        }

        return records;
    }

    private Task<ScenarioResult> Replay(string query, string type) => app.Scenario(_ =>
    {
        _.WithRequestHeader("X-Test-User", "root admin");
        _.Get.Url($"/api/audit/replay{query}");
        _.HeaderShouldBe("Content-Type", type);
    });
}

/// <summary>A log whose first three entries are of clients that write formulas.</summary>
public sealed class FormattedApp : IAsyncLifetime
{
    public AuditApp App { get; } = new();

    public async Task InitializeAsync()
    {
        await App.InitializeAsync();
        string[] agents = ["""=HYPERLINK("https://evil.example","x")""", "@SUM(A1)", "line one\r\nline, two"];
        for (var at = 0; at < agents.Length; at++)
        {
            await App.Append(
                new EventMetadata { Actor = "ada", IpAddress = "192.0.2.7", UserAgent = agents[at] },
                ($"f{at}", new GadgetMade($"g{at + 1}", "ada", "A \"quoted\", thing")));
            await Task.Delay(150);
        }

        await App.Settled();
    }

    public Task DisposeAsync() => App.DisposeAsync();
}
