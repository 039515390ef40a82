using System.Text.Json;
using Modular.Testing;

namespace Modular.Audit.Tests;

public sealed class HistogramTests(SearchedApp searched) : IClassFixture<SearchedApp>
{
    private readonly AuditApp app = searched.App;

    [Fact]
    public async Task Every_bucket_of_a_range_is_there_and_groups_add_up()
    {
        var today = app.Clock.GetUtcNow().UtcDateTime.Date;
        var histogram = await Get($"from={today.AddDays(-3):yyyy-MM-dd}&to={today.AddDays(1):yyyy-MM-dd}&interval=day&by=module&module=alpha");
        var buckets = histogram.GetProperty("buckets").EnumerateArray().ToList();
        Assert.Equal(4, buckets.Count);
        Assert.Equal([$"{today.AddDays(-3):yyyy-MM-dd}T00:00:00Z", $"{today.AddDays(-2):yyyy-MM-dd}T00:00:00Z"], buckets.Take(2).Select(bucket => bucket.GetProperty("from").GetString()));
        Assert.Equal(3, histogram.GetProperty("count").GetInt64());
        // The entries may have been made right before midnight.
        Assert.Equal(3, buckets.Skip(2).Sum(bucket => bucket.GetProperty("count").GetInt64()));
        Assert.Equal(3, buckets.Sum(bucket => bucket.GetProperty("groups").TryGetProperty("alpha", out var count) ? count.GetInt64() : 0));
        Assert.Equal("{}", buckets[0].GetProperty("groups").GetRawText());
    }

    [Fact]
    public async Task Groups_are_by_type_and_outcome_and_filters_hold()
    {
        var byType = await Get("by=type");
        Assert.Equal(
            ["gadget.made.1 2", "gadget.refused.1 1", "note.written.1 1"],
            Groups(byType).Where(group => !group.StartsWith("requests", StringComparison.Ordinal) && !group.StartsWith("access", StringComparison.Ordinal)));
        Assert.Equal(["refused 1", "success 2"], Groups(await Get("by=outcome&module=alpha")));
        Assert.Equal(0, (await Get("actor=nobody")).GetProperty("count").GetInt64());
    }

    [Fact]
    public async Task Days_are_those_of_the_zone_with_the_hour_that_is_missing_and_the_one_that_comes_twice()
    {
        // Spring forward on 29 March and back on 25 October 2026.
        Assert.Equal(
            ["2026-03-27T23:00:00Z", "2026-03-28T23:00:00Z", "2026-03-29T22:00:00Z", "2026-03-30T22:00:00Z"],
            Edges(await Get("from=2026-03-27T23:00:00Z&to=2026-03-30T22:00:00Z&interval=day&zone=Europe%2FBerlin")));
        Assert.Equal(
            ["2026-10-23T22:00:00Z", "2026-10-24T22:00:00Z", "2026-10-25T23:00:00Z"],
            Edges(await Get("from=2026-10-23T22:00:00Z&to=2026-10-25T23:00:00Z&interval=day&zone=Europe%2FBerlin")));
        var hours = Edges(await Get("from=2026-10-24T22:00:00Z&to=2026-10-25T23:00:00Z&interval=hour&zone=Europe%2FBerlin"));
        Assert.Equal(26, hours.Count);
        Assert.Equal(
            ["2026-01-04T18:30:00Z", "2026-01-11T18:30:00Z", "2026-01-18T18:30:00Z"],
            Edges(await Get("from=2026-01-05T00:00:00Z&to=2026-01-15T00:00:00Z&interval=week&zone=Asia%2FKolkata")));
        Assert.Equal(
            ["2026-01-01T00:00:00Z", "2026-02-01T00:00:00Z", "2026-03-01T00:00:00Z"],
            Edges(await Get("from=2026-01-15T00:00:00Z&to=2026-03-01T00:00:00Z&interval=month")));
    }

    [Theory]
    [InlineData("interval=fortnight", "invalid_interval")]
    [InlineData("by=reason", "invalid_by")]
    [InlineData("zone=Mars%2FBase", "invalid_zone")]
    [InlineData("zone=%27%3B--", "invalid_zone")]
    [InlineData("from=2026-02-01&to=2026-01-01", "invalid_range")]
    [InlineData("from=0001-01-01&to=9999-12-31&interval=month", "invalid_range")]
    [InlineData("from=2026-01-01&to=2026-02-01&interval=minute", "too_many_buckets")]
    [InlineData("from=soon", "invalid_time")]
    [InlineData("ip=x", "invalid_cidr")]
    public async Task A_malformed_histogram_is_refused_with_its_code(string query, string code)
    {
        var answer = await app.Scenario(_ =>
        {
            _.WithRequestHeader("X-Test-User", "root admin");
            _.Get.Url($"/api/audit/histogram?{query}");
            _.StatusCodeShouldBe(400);
        });
        Assert.Equal(code, answer.Json().GetProperty("code").GetString());
    }

    [Fact]
    public async Task Entries_are_counted_alone_and_beside_a_page()
    {
        Assert.Equal("""{"count":3,"isCapped":false}""", (await Ask("/api/audit/count?module=alpha")).Body);
        var page = (await Ask("/api/audit/entries?module=alpha&limit=1&count=true")).Json();
        Assert.Equal((3, false), (page.GetProperty("count").GetInt64(), page.GetProperty("isCapped").GetBoolean()));
        Assert.False((await Ask("/api/audit/entries?limit=1")).Json().TryGetProperty("count", out _));
        var own = (await app.Scenario(_ =>
        {
            _.WithRequestHeader("X-Test-User", "bob user");
            _.Get.Url("/api/audit/me?count=true&limit=1&module=alpha");
        })).Json();
        Assert.Equal(2, own.GetProperty("count").GetInt64());
    }

    [Theory]
    [InlineData("/api/audit/histogram")]
    [InlineData("/api/audit/count")]
    public async Task Only_administrators_count_everything(string url)
    {
        await app.Scenario(_ =>
        {
            _.Get.Url(url);
            _.StatusCodeShouldBe(401);
        });
        await app.Scenario(_ =>
        {
            _.WithRequestHeader("X-Test-User", "dan pm,mentor");
            _.Get.Url(url);
            _.StatusCodeShouldBe(403);
        });
    }

    private static IEnumerable<string> Groups(JsonElement histogram) => histogram.GetProperty("buckets").EnumerateArray()
        .SelectMany(bucket => bucket.GetProperty("groups").EnumerateObject())
        .GroupBy(group => group.Name, group => group.Value.GetInt64())
        .Select(group => $"{group.Key} {group.Sum()}").Order(StringComparer.Ordinal);

    private static List<string> Edges(JsonElement histogram)
    {
        var buckets = histogram.GetProperty("buckets").EnumerateArray().ToList();
        for (var at = 1; at < buckets.Count; at++)
            Assert.Equal(buckets[at - 1].GetProperty("to").GetString(), buckets[at].GetProperty("from").GetString());
        return [.. buckets.Select(bucket => bucket.GetProperty("from").GetString()!), buckets[^1].GetProperty("to").GetString()!];
    }

    private async Task<JsonElement> Get(string query) => (await Ask($"/api/audit/histogram?{query}")).Json();

    private Task<ScenarioResult> Ask(string url) => app.Scenario(_ =>
    {
        _.WithRequestHeader("X-Test-User", "root admin");
        _.Get.Url(url);
    });
}
