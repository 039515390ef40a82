using System.Text.Json;
using Microsoft.Extensions.DependencyInjection;

namespace Modular.Audit.Tests;

public sealed class ReplayLogTests(AuditApp app) : IClassFixture<AuditApp>
{
    [Fact]
    public async Task A_replay_is_the_log_line_by_line()
    {
        await app.AppendMany(1_200);
        await app.Settled();
        var lines = (await Replay("/api/audit/replay")).Body.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        var entries = await app.Sql("select position, convert_from(canonical, 'UTF8') from audit.entries order by position");

        Assert.Equal(entries.Count, lines.Length);
        for (var at = 0; at < lines.Length; at++)
        {
            var (shown, canonical) = (JsonDocument.Parse(lines[at]).RootElement, JsonDocument.Parse((string)entries[at][1]!).RootElement);
            Assert.Equal((long)at, shown.GetProperty("position").GetInt64());
            foreach (var name in new[] { "id", "time", "module", "type", "outcome", "reason", "actor", "subject", "session", "organization", "request", "cause", "stream" })
                Assert.Equal(canonical.GetProperty(name).GetRawText(), shown.GetProperty(name).GetRawText());
        }
    }

    [Fact]
    public async Task A_replay_begins_and_ends_where_it_is_told()
    {
        await app.AppendMany(20, perUnit: 1);
        await app.Settled();
        Assert.Equal([3L, 4L], Positions(await Replay("/api/audit/replay?from=3&until=5")));
        Assert.Equal([3L, 4L], Positions(await Replay("/api/audit/replay?from=3&until=5&module=alpha")));
        Assert.Empty(Positions(await Replay("/api/audit/replay?from=3&until=5&module=zulu")));

        var fifth = (DateTime)(await app.Sql("select time from audit.search where position = 5"))[0][0]!;
        var since = Positions(await Replay($"/api/audit/replay?since={fifth:yyyy-MM-ddTHH:mm:ss.ffffffZ}&until=2100-01-01"));
        Assert.Equal(await app.Count("select count(*) from audit.search where time >= $1", fifth), since.Count);
        Assert.Empty(Positions(await Replay("/api/audit/replay?until=2000-01-01T00:00:00Z")));
    }

    [Theory]
    [InlineData("from=x", "invalid_cursor")]
    [InlineData("since=noon", "invalid_time")]
    [InlineData("until=later", "invalid_until")]
    [InlineData("follow=maybe", "invalid_follow")]
    [InlineData("follow=true&until=5", "invalid_follow")]
    [InlineData("ip=nowhere", "invalid_cidr")]
    public async Task A_malformed_replay_is_refused_with_its_code(string query, string code)
    {
        var answer = await app.Scenario(_ =>
        {
            _.WithRequestHeader("X-Test-User", "root admin");
            _.Get.Url($"/api/audit/replay?{query}");
            _.StatusCodeShouldBe(400);
        });
        Assert.Equal(code, answer.Json().GetProperty("code").GetString());
    }

    [Fact]
    public async Task Server_sent_events_go_on_with_what_is_added_and_resume_where_they_were_cut_off()
    {
        await app.AppendMany(10);
        await app.Settled();
        var head = await app.Count("select count(*) from audit.entries");

        var last = 0L;
        await using (var stream = await EventStream.Open(app, "root admin", $"/api/audit/replay?from={head - 2}"))
        {
            Assert.Equal([head - 2, head - 1], [await stream.Next(), await stream.Next()]);
            await app.AppendMany(3, perUnit: 1);
            Assert.Equal(head, last = await stream.Next());
        }

        await using var resumed = await EventStream.Open(app, "root admin", $"/api/audit/replay?from={head - 2}", last);
        Assert.Equal([head + 1, head + 2], [await resumed.Next(), await resumed.Next()]);
    }

    [Fact]
    public async Task A_tail_goes_on_at_another_server_and_after_a_restart()
    {
        await using var own = new Disposable<AuditApp>(new AuditApp());
        await own.Value.InitializeAsync();
        await own.Value.AppendMany(4, perUnit: 1);
        await own.Value.Settled();
        long last;
        await using (var stream = await EventStream.Open(own.Value, "root admin", "/api/audit/replay?from=1"))
        {
            Assert.Equal(1, await stream.Next());
            last = await stream.Next();
        }

        await using (var node = new Disposable<AuditApp>(await own.Value.Another()))
        await using (var resumed = await EventStream.Open(node.Value, "root admin", "/api/audit/replay?from=1", last))
        {
            Assert.Equal(last + 1, last = await resumed.Next());
            await own.Value.AppendMany(1);
            Assert.Equal(last + 1, last = await resumed.Next());
        }

        await own.Value.Restart();
        await own.Value.AppendMany(1);
        await using var restarted = await EventStream.Open(own.Value, "root admin", "/api/audit/replay?from=1", last);
        Assert.Equal(last + 1, await restarted.Next());
    }

    [Fact]
    public async Task A_filtered_tail_shows_what_passes_the_filter()
    {
        await using var stream = await EventStream.Open(app, "root admin", "/api/audit/replay?module=zulu");
        await app.AppendMany(5);
        await app.Append(("n-tail", new NoteWritten("n", "tail")));
        await app.Settled();
        Assert.Equal(await app.Count("select position from audit.search where stream = 'n-tail'"), await stream.Next());
    }

    [Fact]
    public async Task A_finished_stream_that_is_resumed_at_its_end_says_so() => await app.Scenario(_ =>
    {
        _.WithRequestHeader("X-Test-User", "root admin");
        _.WithRequestHeader("Accept", "text/event-stream");
        _.WithRequestHeader("Last-Event-ID", "1");
        _.Get.Url("/api/audit/replay?until=2");
        _.StatusCodeShouldBe(204);
    });

    [Fact]
    public async Task A_stream_ends_when_the_readers_session_does()
    {
        app.Services.GetRequiredService<ReplayAccess>().Pause = TimeSpan.FromMilliseconds(50);
        await using var stream = await EventStream.Open(app, "mallory admin", "/api/audit/replay?from=1000000");
        app.Sessions.Revoke("mallory");
        Assert.Equal(-1, await stream.Next());
    }

    private static List<long> Positions(Testing.ScenarioResult replay) =>
        [.. replay.Body.Split('\n', StringSplitOptions.RemoveEmptyEntries)
            .Select(line => JsonDocument.Parse(line).RootElement.GetProperty("position").GetInt64())];

    private Task<Testing.ScenarioResult> Replay(string url) => app.Scenario(_ =>
    {
        _.WithRequestHeader("X-Test-User", "root admin");
        _.Get.Url(url);
        _.HeaderShouldBe("Content-Type", "application/x-ndjson");
    });

    /// <summary>An EventSource, as far as a test needs one.</summary>
    private sealed class EventStream(HttpClient client, HttpResponseMessage response, StreamReader reader) : IAsyncDisposable
    {
        public static async Task<EventStream> Open(AuditApp app, string user, string url, long? lastEventId = null)
        {
            var client = new HttpClient();
            using var request = new HttpRequestMessage(HttpMethod.Get, app.Url + url);
            request.Headers.Add("X-Test-User", user);
            request.Headers.Add("Accept", "text/event-stream");
            if (lastEventId is { } last)
                request.Headers.Add("Last-Event-ID", $"{last}");
            var response = await client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead);
            Assert.Equal("text/event-stream", response.Content.Headers.ContentType!.MediaType);
            return new EventStream(client, response, new StreamReader(await response.Content.ReadAsStreamAsync()));
        }

        /// <summary>The id of the next event, which is its entry's position; -1 when the stream ended.</summary>
        public async Task<long> Next()
        {
            using var late = new CancellationTokenSource(TimeSpan.FromSeconds(20));
            var id = -1L;
            while (await reader.ReadLineAsync(late.Token) is { } line)
            {
                if (line.StartsWith("id: ", StringComparison.Ordinal))
                    id = long.Parse(line[4..], System.Globalization.CultureInfo.InvariantCulture);
                if (!line.StartsWith("data: ", StringComparison.Ordinal))
                    continue;
                Assert.Equal(id, JsonDocument.Parse(line[6..]).RootElement.GetProperty("position").GetInt64());
                return id;
            }

            return -1;
        }

        public async ValueTask DisposeAsync()
        {
            reader.Dispose();
            response.Dispose();
            client.Dispose();
            await ValueTask.CompletedTask;
        }
    }
}
