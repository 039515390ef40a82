using System.Net;
using System.Text.Json;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Hosting.Internal;
using Modular.Audit.Contracts;
using Modular.Store;

namespace Modular.Audit.Tests;

/// <summary>A server whose log is pushed to several receivers in this process.</summary>
public sealed class SinkApp : AuditApp
{
    public SinkApp()
        : this(new Receiver(), new Receiver(), new Receiver())
    {
    }

    private SinkApp(Receiver whole, Receiver clouds, Receiver moody)
        : base(new()
        {
            ["Audit:Sinks:whole:Url"] = whole.Url,
            ["Audit:Sinks:whole:Secret"] = whole.Secret,
            ["Audit:Sinks:whole:IncludePersonalData"] = "true",
            ["Audit:Sinks:whole:BatchSize"] = "50",
            ["Audit:Sinks:clouds:Url"] = clouds.Url,
            ["Audit:Sinks:clouds:Secret"] = clouds.Secret,
            ["Audit:Sinks:clouds:Format"] = "cloudevents",
            ["Audit:Sinks:clouds:Type"] = "gadget.refused.1, note.*",
            ["Audit:Sinks:moody:Url"] = moody.Url,
            ["Audit:Sinks:moody:Secret"] = moody.Secret,
            ["Audit:Sinks:moody:PreviousSecret"] = "whsec_" + Convert.ToBase64String(new byte[32]),
            ["Audit:Sinks:moody:Timeout"] = "0:00:01",
        }) => (Whole, Clouds, Moody) = (whole, clouds, moody);

    /// <summary>Gets everything, in clear.</summary>
    public Receiver Whole { get; }

    /// <summary>Gets some types as CloudEvents.</summary>
    public Receiver Clouds { get; }

    /// <summary>Gets everything without personal data, and is told by tests how to answer.</summary>
    public Receiver Moody { get; }

    public override async Task DisposeAsync()
    {
        await base.DisposeAsync();
        foreach (var receiver in (Receiver[])[Whole, Clouds, Moody])
            receiver.Dispose();
    }

    public Task<long> Head() => Count("select coalesce(max(position) + 1, 0) from audit.entries");

    /// <summary>Waits until a sink has got everything there is.</summary>
    public async Task Pushed(string sink)
    {
        await Settled();
        var head = await Head();
        await Until(async () => (await Sink(sink)).Next >= head, $"{sink} has everything");
    }

    public async Task<SinkStatus> Sink(string name) => (await Send(new Contracts.ListSinks())).Single(sink => sink.Name == name);

    public static async Task Until(Func<Task<bool>> condition, string what)
    {
        for (var deadline = DateTime.UtcNow.AddSeconds(40); !await condition(); await Task.Delay(30))
            Assert.True(DateTime.UtcNow < deadline, $"Not within 40 s: {what}.");
    }
}

public sealed class SinkTests(SinkApp app) : IClassFixture<SinkApp>
{
    [Fact]
    public async Task Everything_is_pushed_signed_and_in_order_personal_data_only_where_it_was_chosen()
    {
        app.Moody.Answers = null;
        await app.Append(new EventMetadata { IpAddress = "203.0.113.5", Actor = "ada" }, ("s1", new GadgetMade("g1", "ada", "Ada's own gadget")));
        await app.AppendMany(320);
        await app.Pushed("whole");
        await app.Pushed("moody");
        var head = await app.Head();
        Assert.Equal(Range(0, head), app.Whole.Taken.SelectMany(delivery => delivery.Positions).Distinct());
        Assert.All(app.Whole.Taken, delivery => Assert.True(delivery.Entries.Count <= 50 && delivery.ContentType == "application/json; charset=utf-8"));
        Assert.Equal((0, 0), (app.Whole.Forged, app.Moody.Forged));

        var shown = app.Whole.Taken.SelectMany(delivery => delivery.Entries).First(entry => entry.GetProperty("stream").GetString() == "s1");
        Assert.Equal(("203.0.113.5", "Ada's own gadget"), (shown.GetProperty("ip").GetString(), shown.GetProperty("data").GetProperty("name").GetString()));
        var hidden = app.Moody.Taken.SelectMany(delivery => delivery.Entries).First(entry => entry.GetProperty("stream").GetString() == "s1");
        Assert.Equal(("ada", null, null), (hidden.GetProperty("actor").GetString(), hidden.GetProperty("ip").GetString(), hidden.GetProperty("data").GetProperty("name").GetString()));
        Assert.DoesNotContain(app.Moody.All, delivery => delivery.Body.Contains("Gadget number", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_filter_lets_through_some_types_as_CloudEvents()
    {
        await app.Append(("c1", new GadgetMade("c1", "ada", "n")), ("c2", new GadgetRefused("c2", "eve", "no")), ("c3", new NoteWritten("c3", "text")));
        await app.Pushed("clouds");
        var events = app.Clouds.Taken.SelectMany(delivery => delivery.Json.EnumerateArray()).ToList();
        Assert.DoesNotContain(events, e => e.GetProperty("type").GetString() == "gadget.made.1");
        var refused = events.Single(e => e.GetProperty("stream").GetString() == "c2");
        Assert.Equal(
            ("1.0", "/api/audit/alpha", "gadget.refused.1", "eve", "application/json"),
            (Text(refused, "specversion"), Text(refused, "source"), Text(refused, "type"), Text(refused, "subject"), Text(refused, "datacontenttype")));
        Assert.All(app.Clouds.Taken, delivery => Assert.Equal("application/cloudevents-batch+json; charset=utf-8", delivery.ContentType));
        Assert.Equal(0, app.Clouds.Forged);
    }

    [Fact]
    public async Task What_is_not_taken_comes_again_the_same_and_delays_nothing_else()
    {
        await app.Pushed("moody");
        var failures = 0;
        app.Moody.Answers = context =>
        {
            if (++failures > 3)
                return Task.FromResult<int?>(null);
            context.Response.Headers.RetryAfter = failures == 1 ? "2" : "";
            return Task.FromResult<int?>(failures == 2 ? 302 : 500);
        };
        var before = app.Moody.All.Count;
        await app.AppendMany(10);
        await SinkApp.Until(async () => (await app.Sink("moody")).State == "failing", "moody fails");
        // Sealing goes on, other sinks go on, and the server stays ready.
        await app.AppendMany(10);
        await app.Pushed("whole");
        var health = await app.Services.GetRequiredService<HealthCheckService>().CheckHealthAsync();
        Assert.Equal(HealthStatus.Degraded, health.Entries["sinks"].Status);
        Assert.Contains("moody: It answered", health.Entries["sinks"].Description, StringComparison.Ordinal);
        // Anybody may ask that.
        var ready = await app.Scenario(_ => _.Get.Url("/healthz/ready"));
        Assert.Equal((200, """{"status":"degraded"}"""), (ready.Status, ready.Json().GetProperty("checks").GetProperty("sinks").GetRawText()));
        await app.Pushed("moody");
        var tries = app.Moody.All.Skip(before).Take(4).ToList();
        Assert.Equal([500, 302, 500, 200], tries.Select(delivery => delivery.Answer));
        Assert.Single(tries.Select(delivery => (delivery.Id, delivery.Body)).Distinct());
        Assert.True(tries[1].At - tries[0].At > TimeSpan.FromSeconds(1.9), "Retry-After was 2 s");
        Assert.Equal(0, app.Moody.Forged);
        Assert.Null((await app.Sink("moody")).LastError);
        Assert.Equal(HealthStatus.Healthy, (await app.Services.GetRequiredService<HealthCheckService>().CheckHealthAsync()).Entries["sinks"].Status);
        Assert.Equal(Range(0, await app.Head()), app.Moody.Taken.SelectMany(delivery => delivery.Positions).Distinct());
    }

    [Fact]
    public async Task Who_is_erased_while_a_batch_waits_is_not_in_it_when_it_is_tried_again()
    {
        await app.Pushed("whole");
        var before = app.Whole.All.Count;
        app.Whole.Answers = _ => Task.FromResult<int?>(503);
        await app.Append(("e1", new GadgetMade("e1", "sina", "Sinas gadget")));
        await SinkApp.Until(() => Task.FromResult(app.Whole.All.Count > before), "whole fails");
        Assert.Null((await app.Send(new Contracts.RequestErasure("sina", "by_operator"))).Problem);
        var erased = app.Whole.All.Count;
        app.Whole.Answers = null;
        await app.Pushed("whole");
        var tries = app.Whole.All.Skip(before).Where(delivery => delivery.Entries.Any(entry => Text(entry, "stream") == "e1")).ToList();
        Assert.Contains("Sinas gadget", tries[0].Body, StringComparison.Ordinal);
        Assert.DoesNotContain("Sinas gadget", tries[^1].Body, StringComparison.Ordinal);
        Assert.Equal(200, tries[^1].Answer);
        Assert.DoesNotContain(app.Whole.All.Skip(erased + 1), delivery => delivery.Body.Contains("Sinas gadget", StringComparison.Ordinal));
        Assert.Single(tries.Select(delivery => (delivery.Id, delivery.Positions.Count)).Distinct());
    }

    [Fact]
    public async Task The_operator_is_told_how_a_sink_is_after_the_act()
    {
        app.Moody.Answers = null;
        await app.Pushed("moody");
        var head = await app.Head();
        Assert.Equal("paused", (await app.Send(new Contracts.SteerSink("moody", "pause"))).Sink!.State);
        var back = (await app.Send(new Contracts.SteerSink("moody", "replay", 2))).Sink!;
        Assert.Equal(("paused", 2), (back.State, back.Next));
        Assert.True(back.Behind >= head - 2);
        Assert.Equal("running", (await app.Send(new Contracts.SteerSink("moody", "resume"))).Sink!.State);
        await app.Pushed("moody");
    }

    [Fact]
    public async Task A_receiver_that_is_too_slow_is_let_go_and_one_that_wants_nothing_any_more_is_paused()
    {
        await app.Pushed("moody");
        app.Moody.Answers = async _ =>
        {
            await Task.Delay(TimeSpan.FromSeconds(2));
            return null;
        };
        await app.AppendMany(1);
        await SinkApp.Until(async () => (await app.Sink("moody")).LastError == "It did not answer within 1 s.", "moody is too slow");
        app.Moody.Answers = _ => Task.FromResult<int?>(410);
        await SinkApp.Until(async () => (await app.Sink("moody")).State == "paused", "moody is paused");
        app.Moody.Answers = null;
        await Act("moody", "resume");
        await app.Pushed("moody");
    }

    [Fact]
    public async Task It_is_paused_resumed_and_sent_back_by_administrators_and_the_log_says_so()
    {
        app.Moody.Answers = null;
        await app.Pushed("moody");
        Assert.Equal("paused", Text(await Act("moody", "pause"), "state"));
        var before = app.Moody.All.Count;
        await app.AppendMany(5);
        await app.Pushed("whole");
        Assert.Equal(before, app.Moody.All.Count);
        Assert.Equal("running", Text(await Act("moody", "resume"), "state"));
        await app.Pushed("moody");
        Assert.True(app.Moody.All.Count > before);

        var ids = app.Moody.All.Select(delivery => delivery.Id).ToHashSet();
        before = app.Moody.Taken.Count;
        Assert.Equal(0, (await Act("moody", "replay", new { from = 0 })).GetProperty("next").GetInt64());
        await app.Pushed("moody");
        var again = app.Moody.Taken.Skip(before).ToList();
        Assert.Equal(Range(0, await app.Head()), again.SelectMany(delivery => delivery.Positions));
        Assert.DoesNotContain(again, delivery => ids.Contains(delivery.Id));
        Assert.Equal(
            ["sink.paused.1", "sink.resumed.1", "sink.sent_back.1"],
            (await app.Sql("select type from audit.mt_events where stream_id = 'sink:moody' order by version desc limit 3")).Select(row => (string)row[0]!).Reverse());

        await Act("nowhere", "pause", status: 404);
        await Act("moody", "replay", new { from = 1_000_000 }, 400);
        await Act("moody", "pause", user: "ada", status: 403);
        Assert.Equal(3, (await app.Scenario(_ =>
        {
            _.WithRequestHeader("X-Test-User", "root admin");
            _.Get.Url("/api/audit/sinks");
        })).Json().GetProperty("sinks").GetArrayLength());
    }

    [Fact]
    public async Task Another_node_goes_on_where_one_has_died_and_nothing_is_left_out()
    {
        app.Moody.Answers = null;
        await app.Pushed("whole");
        var before = app.Whole.Taken.Count;
        for (var round = 0; round < 3; round++)
        {
            var node = await app.Another();
            await app.AppendMany(200, perUnit: 20);
            // Whichever of the two has the turn loses it.
            await app.Sql("select pg_terminate_backend(pid) from pg_locks where locktype = 'advisory' and pid <> pg_backend_pid() and database = (select oid from pg_database where datname = current_database())");
            await app.AppendMany(100, perUnit: 20);
            await node.DisposeAsync();
        }

        await app.Pushed("whole");
        var expected = app.Whole.Taken[before].Positions[0];
        foreach (var delivery in app.Whole.Taken.Skip(before))
        {
            // At least once: what was taken and not noted comes again, but never is anything left out.
            Assert.True(delivery.Positions[0] <= expected, $"{delivery.Positions[0]} came when {expected} was due");
            Assert.Equal(Range(delivery.Positions[0], delivery.Positions[^1] + 1), delivery.Positions);
            expected = Math.Max(expected, delivery.Positions[^1] + 1);
        }

        Assert.Equal(await app.Head(), expected);
    }

    private async Task<JsonElement> Act(string sink, string act, object? body = null, int status = 200, string user = "root admin") => (await app.Scenario(_ =>
    {
        _.WithRequestHeader("X-Test-User", user);
        _.Post.Json(body ?? new { }).ToUrl($"/api/audit/sinks/{sink}/{act}");
        _.StatusCodeShouldBe(status);
    })).Json();

    private static string? Text(JsonElement json, string name) => json.GetProperty(name).GetString();

    private static IEnumerable<long> Range(long first, long end)
    {
        for (var position = first; position < end; position++)
            yield return position;
    }
}

public sealed class SinkRuleTests
{
    [Theory]
    [InlineData("127.0.0.1", false)]
    [InlineData("10.1.2.3", false)]
    [InlineData("172.16.0.1", false)]
    [InlineData("172.32.0.1", true)]
    [InlineData("192.168.1.1", false)]
    [InlineData("169.254.169.254", false)]
    [InlineData("100.64.0.1", false)]
    [InlineData("0.0.0.0", false)]
    [InlineData("224.0.0.1", false)]
    [InlineData("255.255.255.255", false)]
    [InlineData("8.8.8.8", true)]
    [InlineData("::1", false)]
    [InlineData("::", false)]
    [InlineData("fe80::1", false)]
    [InlineData("fd00::1", false)]
    [InlineData("::ffff:10.0.0.1", false)]
    [InlineData("64:ff9b::a00:1", false)]
    [InlineData("2002:a00:1::", false)]
    [InlineData("2001:db8::1", false)]
    [InlineData("2606:4700::1111", true)]
    public void Only_addresses_of_the_internet_are_spoken_to(string address, bool isPublic) =>
        Assert.Equal(isPublic, SinkHttp.IsPublic(IPAddress.Parse(address)));

    [Fact]
    public async Task A_name_that_leads_to_a_private_address_is_not_connected_to()
    {
        using var http = new SinkHttp();
        var sink = new SinkOptions { Url = "https://localhost:1/", Secret = Secret };
        using var request = new HttpRequestMessage(HttpMethod.Post, sink.Url);
        Assert.Contains("private address", (await http.Send(request, sink, DateTimeOffset.UtcNow, default)).Error, StringComparison.Ordinal);
        using var again = new HttpRequestMessage(HttpMethod.Post, sink.Url);
        Assert.DoesNotContain("private address", (await http.Send(again, new SinkOptions { Url = sink.Url, Secret = Secret, AllowPrivateAddresses = true }, DateTimeOffset.UtcNow, default)).Error!, StringComparison.Ordinal);
    }

    [Fact]
    public void It_waits_longer_with_every_failure_and_as_long_as_it_is_told()
    {
        Assert.Equal([1, 2, 4, 8], Enumerable.Range(0, 4).Select(attempts => SinkTurn.PauseAfter(attempts, null, 1).TotalSeconds));
        Assert.Equal(0.5, SinkTurn.PauseAfter(0, null, 0).TotalSeconds);
        Assert.Equal(TimeSpan.FromMinutes(5), SinkTurn.PauseAfter(1000, null, 1));
        Assert.Equal(TimeSpan.FromSeconds(90), SinkTurn.PauseAfter(0, TimeSpan.FromSeconds(90), 1));
        Assert.Equal(TimeSpan.FromHours(1), SinkTurn.PauseAfter(0, TimeSpan.FromDays(900), 1));
        Assert.Equal(TimeSpan.FromSeconds(1), SinkTurn.PauseAfter(0, TimeSpan.FromSeconds(-5), 1));
    }

    [Theory]
    [InlineData("https://siem.example/in", true, true)]
    [InlineData("http://siem.example/in", true, false)]
    [InlineData("http://127.0.0.1:9/in", true, true)]
    [InlineData("http://127.0.0.1:9/in", false, false)]
    [InlineData("https://user:pass@siem.example/", true, false)]
    [InlineData("file:///etc/passwd", true, false)]
    public void Only_https_is_spoken_except_to_this_machine_in_Development(string url, bool isDevelopment, bool isGood)
    {
        var environment = new HostingEnvironment { EnvironmentName = isDevelopment ? "Development" : "Production" };
        var options = new SinksOptions { All = { ["siem"] = new SinkOptions { Url = url, Secret = Secret } } };
        Assert.Equal(isGood, new SinksOptionsValidation(environment).Validate(null, options).Succeeded);
    }

    [Fact]
    public void Other_entries_at_positions_that_were_sent_already_have_another_id()
    {
        var (state, sink) = (new SinkState("siem", 5, 0, false, 0, null, null, null), new SinkOptions { Url = "https://siem.example/", Secret = Secret });
        var entries = Enumerable.Range(5, 3).Select(at => Made(at)).ToList();
        var first = SinkBatch.Of(state, sink, entries);
        // Tried again, with what came since left out and what is erased left empty.
        Assert.Equal(first.Id, SinkBatch.Of(state, sink, [.. entries.Select(entry => new Entry(entry.Position, entry.Event with { Data = "{}"u8.ToArray() })), Made(8)], first.Next).Id);
        // As after a restore of a backup that ends at 6.
        Assert.NotEqual(first.Id, SinkBatch.Of(state, sink, [entries[0], entries[1], Made(7)]).Id);
        Assert.NotEqual(first.Id, SinkBatch.Of(state, sink, [.. entries, Made(8)]).Id);
    }

    private static Entry Made(long position) => new(position, new CanonicalEvent(
        Guid.NewGuid(), DateTimeOffset.UnixEpoch, "alpha", "gadget.made.1", "success", null, null, "ada", null, null, null, null, "s", null, null,
        """{"name":"Ada"}"""u8.ToArray()));

    // The example of the specification's own libraries.
    [Fact]
    public void The_signature_is_that_of_Standard_Webhooks() => Assert.Equal(
        "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
        SinkBatch.Sign(
            SinkOptions.KeyOf("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")!, "msg_p5jXN8AQM9LWM0D4loKWxJek", "1614265330", "{\"test\": 2432232314}"u8));

    private const string Secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
}
