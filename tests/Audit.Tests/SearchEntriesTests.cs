using System.Text.Json;
using Modular.Store;

namespace Modular.Audit.Tests;

public sealed class SearchEntriesTests(SearchedApp searched) : IClassFixture<SearchedApp>
{
    private readonly AuditApp app = searched.App;

    [Theory]
    [InlineData("module=alpha", "a1 a2 a3")]
    [InlineData("module=nothing", "")]
    [InlineData("type=gadget.made.1", "a1 a3")]
    [InlineData("type=gadget.*", "a1 a2 a3")]
    [InlineData("type=note.written.2", "")]
    [InlineData("actor=ada", "a1 z1")]
    [InlineData("subject=bob", "a2 a3")]
    [InlineData("session=s-2", "a2")]
    [InlineData("organization=acme", "a2 a3")]
    [InlineData("ip=192.0.2.7", "a1")]
    [InlineData("ip=192.0.2.0%2F24", "a1 a2")]
    [InlineData("ip=0.0.0.0%2F0", "a1 a2")]
    [InlineData("ip=2001%3Adb8%3A%3A%2F32", "a3")]
    [InlineData("outcome=refused", "a2")]
    [InlineData("outcome=success&module=alpha", "a1 a3")]
    [InlineData("reason=no_more", "a2")]
    [InlineData("reason=no", "")]
    [InlineData("userAgent=firefox", "a2")]
    [InlineData("userAgent=Firefox%2F140", "a2")]
    [InlineData("userAgent=no_more", "")]
    [InlineData("request=r-1", "a1")]
    [InlineData("stream=a3", "a3")]
    [InlineData("q=no_more", "a2")]
    [InlineData("q=lantern", "a1 z1")]
    [InlineData("q=lantern+-green", "z1")]
    [InlineData("q=%22green+lantern%22", "a1")]
    [InlineData("q=firefox", "a2")]
    [InlineData("q=Firefox%2F140", "a2")]
    [InlineData("q=lantern@example.com", "")]
    [InlineData("actor=ada&module=zulu", "z1")]
    [InlineData("fromPosition=1&toPosition=3", "a2 a3")]
    [InlineData("from=2020-01-01", "a1 a2 a3 z1")]
    [InlineData("to=2020-01-01T00:00:00Z", "")]
    [InlineData("actor=&q=", "a1 a2 a3 z1")]
    [InlineData("actor=ada%27--", "")]
    public async Task A_filter_finds_what_it_says(string query, string expected)
    {
        var page = await Get($"/api/audit/entries?{query}");
        Assert.Equal(expected, string.Join(' ', Streams(page).Order(StringComparer.Ordinal)));
    }

    [Fact]
    public async Task A_time_range_includes_its_beginning_and_not_its_end()
    {
        var time = (await Get("/api/audit/entries/1")).GetProperty("time").GetString();
        Assert.Contains("a2", Streams(await Get($"/api/audit/entries?from={time}")));
        Assert.DoesNotContain("a1", Streams(await Get($"/api/audit/entries?from={time}")));
        Assert.Equal(["a1"], Streams(await Get($"/api/audit/entries?to={time}")));
    }

    [Theory]
    [InlineData("before=x", "invalid_cursor")]
    [InlineData("after=-1", "invalid_cursor")]
    [InlineData("before=99999999999999999999", "invalid_cursor")]
    [InlineData("fromPosition=1.5", "invalid_cursor")]
    [InlineData("limit=0", "invalid_limit")]
    [InlineData("limit=201", "invalid_limit")]
    [InlineData("ip=192.0.2", "invalid_cidr")]
    [InlineData("ip=192.0.2.0%2F33", "invalid_cidr")]
    [InlineData("ip=fe80%3A%3A1%25eth0", "invalid_cidr")]
    [InlineData("ip=192.0.2.0%2F24%2F1", "invalid_cidr")]
    [InlineData("from=yesterday", "invalid_time")]
    [InlineData("to=2026-13-01", "invalid_time")]
    [InlineData("type=a*b", "invalid_type")]
    [InlineData("outcome=maybe", "invalid_outcome")]
    [InlineData("actor=%00", "invalid_filter")]
    [InlineData("request=%0A", "invalid_filter")]
    [InlineData("count=maybe", "invalid_count")]
    public async Task A_malformed_filter_is_refused_with_its_code(string query, string code)
    {
        var answer = await app.Scenario(_ =>
        {
            _.WithRequestHeader("X-Test-User", "root admin");
            _.Get.Url($"/api/audit/entries?{query}");
            _.StatusCodeShouldBe(400);
        });
        Assert.Equal(code, answer.Json().GetProperty("code").GetString());
    }

    [Theory]
    [InlineData("/api/audit/entries")]
    [InlineData("/api/audit/entries/0")]
    [InlineData("/api/audit/replay")]
    public async Task Only_administrators_read_the_log(string url)
    {
        await app.Scenario(_ =>
        {
            _.Get.Url(url);
            _.StatusCodeShouldBe(401);
        });
        await app.Scenario(_ =>
        {
            _.WithRequestHeader("X-Test-User", "ada user");
            _.Get.Url(url);
            _.StatusCodeShouldBe(403);
        });
    }

    [Fact]
    public async Task An_entry_shows_all_there_is_to_know_of_it()
    {
        var entry = await Get("/api/audit/entries/0");
        var members = entry.EnumerateObject().ToDictionary(member => member.Name, member => member.Value.ToString());
        Assert.True(members.Remove("id") && members.Remove("time"));
        Assert.Equal(
            new Dictionary<string, string>
            {
                ["position"] = "0",
                ["module"] = "alpha",
                ["type"] = "gadget.made.1",
                ["outcome"] = "success",
                ["reason"] = "",
                ["actor"] = "ada",
                ["subject"] = "ada",
                ["session"] = "s-1",
                ["organization"] = "",
                ["ip"] = "192.0.2.7",
                ["userAgent"] = "Safari",
                ["request"] = "r-1",
                ["cause"] = "",
                ["stream"] = "a1",
                ["data"] = """{"id":"g","owner":"ada","name":"Green lantern"}""",
            },
            members);
    }

    [Fact]
    public async Task A_position_that_is_not_there_yet_is_unknown()
    {
        var answer = await app.Scenario(_ =>
        {
            _.WithRequestHeader("X-Test-User", "root admin");
            _.Get.Url("/api/audit/entries/1000");
            _.StatusCodeShouldBe(404);
        });
        Assert.Equal("entry_not_found", answer.Json().GetProperty("code").GetString());
    }

    [Fact]
    public async Task Users_see_what_they_did_and_what_was_done_to_them_but_not_from_where()
    {
        var answer = await app.Scenario(_ =>
        {
            _.WithRequestHeader("X-Test-User", "bob user");
            // Whose entries they are is not for the caller to say.
            _.Get.Url("/api/audit/me?actor=ada");
        });
        var entries = answer.Json().GetProperty("entries").EnumerateArray()
            .Select(entry => $"{entry.GetProperty("stream")} {entry.GetProperty("actor")} {entry.GetProperty("ip")} {entry.GetProperty("data").ValueKind}");
        Assert.Equal(["a3 bob 2001:db8:: Object", "a2 carol  Null"], entries);
        await app.Scenario(_ =>
        {
            _.Get.Url("/api/audit/me");
            _.StatusCodeShouldBe(401);
        });
    }

    [Fact]
    public async Task Personal_data_whose_key_is_gone_is_null()
    {
        await using var shredded = new Disposable<AuditApp>(new AuditApp());
        await shredded.Value.InitializeAsync();
        await shredded.Value.Append(new EventMetadata { Actor = "eve", IpAddress = "192.0.2.9" }, ("g-eve", new GadgetMade("g", "eve", "Eve's own")));
        await shredded.Value.Settled();
        await shredded.Value.Sql("update store.subject_keys set wrapped = null, shredded = now()");
        ((SubjectKeys)shredded.Value.Services.GetService(typeof(SubjectKeys))!).Forget("eve");

        var entry = (await shredded.Value.Scenario(_ =>
        {
            _.WithRequestHeader("X-Test-User", "root admin");
            _.Get.Url("/api/audit/entries/0");
        })).Json();
        Assert.Equal(("""{"id":"g","owner":"eve","name":null}""", ""), (entry.GetProperty("data").GetRawText(), entry.GetProperty("ip").ToString()));
        Assert.Null((await shredded.Value.Send(new Contracts.VerifyLog())).Problem);
    }

    // Refusals of other tests of this class are entries too.
    private static IEnumerable<string> Streams(JsonElement page) =>
        page.GetProperty("entries").EnumerateArray().Select(entry => entry.GetProperty("stream").GetString()!)
            .Where(stream => !stream.StartsWith("refused:", StringComparison.Ordinal));

    private async Task<JsonElement> Get(string url) => (await app.Scenario(_ =>
    {
        _.WithRequestHeader("X-Test-User", "root admin");
        _.Get.Url(url);
    })).Json();
}

/// <summary>A server whose log holds four entries, at the positions 0 to 3.</summary>
public sealed class SearchedApp : IAsyncLifetime
{
    public AuditApp App { get; } = new();

    public async Task InitializeAsync()
    {
        await App.InitializeAsync();
        await App.Append(
            new EventMetadata { Actor = "ada", SessionId = "s-1", IpAddress = "192.0.2.7", UserAgent = "Safari", CorrelationId = "r-1" },
            ("a1", new GadgetMade("g", "ada", "Green lantern")));
        await App.Append(
            new EventMetadata { Actor = "carol", SessionId = "s-2", OrganizationId = "acme", IpAddress = "192.0.2.8", UserAgent = "Firefox/140" },
            ("a2", new GadgetRefused("g", "bob", "no_more")));
        await App.Append(
            new EventMetadata { Actor = "bob", OrganizationId = "acme", IpAddress = "2001:db8::" },
            ("a3", new GadgetMade("g", "bob", "Red")));
        await App.Append(new EventMetadata { Actor = "ada" }, ("z1", new NoteWritten("n", "A lantern by night")));
        await App.Settled();
    }

    public Task DisposeAsync() => App.DisposeAsync();
}

/// <summary>Disposes a fixture at the end of a test.</summary>
public sealed class Disposable<T>(T value) : IAsyncDisposable
    where T : IAsyncLifetime
{
    public T Value => value;

    public async ValueTask DisposeAsync() => await value.DisposeAsync();
}

public sealed class PagingTests
{
    [Fact]
    public async Task Pages_neither_skip_nor_repeat_while_entries_arrive()
    {
        await using var app = new Disposable<AuditApp>(new AuditApp());
        await app.Value.InitializeAsync();
        await app.Value.AppendMany(300);
        await app.Value.Settled();
        var writing = app.Value.AppendMany(1_000, perUnit: 20);

        var seen = new List<long>();
        for (long? before = 300; before is not null;)
        {
            var page = await Get(app.Value, $"/api/audit/entries?limit=7&before={before}");
            seen.AddRange(Positions(page));
            before = Next(page);
        }

        Assert.Equal(Enumerable.Range(0, 300).Select(at => (long)at).Reverse(), seen);
        await writing;
        await app.Value.Settled();

        var forward = new List<long>();
        for (long? after = 299; after is not null;)
        {
            var page = await Get(app.Value, $"/api/audit/entries?limit=200&after={after}&module=alpha");
            forward.AddRange(Positions(page).Reverse());
            after = Next(page);
        }

        Assert.Equal(Enumerable.Range(300, 1_000).Select(at => (long)at), forward);
        Assert.Equal([10L, 9L, 8L], Positions(await Get(app.Value, "/api/audit/entries?before=11&after=7")));
        Assert.Empty(Positions(await Get(app.Value, "/api/audit/entries?before=0")));
    }

    private static IEnumerable<long> Positions(JsonElement page) =>
        page.GetProperty("entries").EnumerateArray().Select(entry => entry.GetProperty("position").GetInt64());

    private static long? Next(JsonElement page) =>
        page.GetProperty("next") is { ValueKind: JsonValueKind.Number } next ? next.GetInt64() : null;

    private static async Task<JsonElement> Get(AuditApp app, string url) => (await app.Scenario(_ =>
    {
        _.WithRequestHeader("X-Test-User", "root admin");
        _.Get.Url(url);
    })).Json();
}
