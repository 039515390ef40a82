using System.Text.Json;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Modular.Testing;

namespace Modular.Identity.Tests;

/// <summary>Every route of administrators against every kind of caller, by the table <c>admin.json</c>.</summary>
public sealed class AdminRoutesTests(AdminApp app) : IClassFixture<AdminApp>
{
    private static readonly JsonElement Table = JsonDocument.Parse(
        File.ReadAllText(Path.Combine(AppContext.BaseDirectory, "Authorization", "admin.json"))).RootElement;

    [Fact]
    public void No_route_is_without_a_row_and_no_row_without_a_route()
    {
        var routes = app.Services.GetRequiredService<EndpointDataSource>().Endpoints.OfType<RouteEndpoint>()
            .Where(route => route.RoutePattern.RawText!.StartsWith("/api/auth/admin/", StringComparison.Ordinal))
            .Select(route => $"{route.Metadata.GetMetadata<IHttpMethodMetadata>()!.HttpMethods.Single()} {route.RoutePattern.RawText!["/api/auth".Length..]}");
        Assert.Equal(Table.GetProperty("routes").EnumerateObject().Select(row => row.Name).Order(), routes.Order());
    }

    [Fact]
    public async Task Every_caller_is_answered_as_the_table_says()
    {
        var root = await app.Root();
        foreach (var caller in Table.GetProperty("callers").EnumerateArray().Select(name => name.GetString()!))
        {
            var browser = caller switch
            {
                "signed-out" => app.Browser(),
                "administrator" => root.Browser,
                "pm" => (await app.Made(root, "pm")).Browser,
                _ => (await app.SignedUp()).Browser,
            };
            foreach (var row in Table.GetProperty("routes").EnumerateObject())
            {
                // What an administrator is given by an answer, a session as somebody else, is not to be kept.
                var cookies = browser.CookieHeader;
                var answer = await Call(cookies, row.Name, row.Value, (await app.SignedUp()).Id);
                var expected = (row.Value.TryGetProperty(caller, out var own) ? own : row.Value.GetProperty("user")).GetString();
                var code = answer.Status == 403 ? $" {answer.Code()}" : "";
                Assert.True(expected == $"{answer.Status}{code}", $"{row.Name} as {caller}: {answer.Status} {answer.Body}");
                if (answer.Status == 401)
                    Assert.Equal("", answer.Body);
            }
        }
    }

    private Task<ScenarioResult> Call(string cookies, string route, JsonElement row, string target) => app.Scenario(_ =>
    {
        string Filled(string text) => text.Replace("{target}", target, StringComparison.Ordinal).Replace("{address}", People.NewAddress(), StringComparison.Ordinal);
        var path = $"/api/auth{route.Split(' ')[1]}";
        if (cookies.Length > 0)
        {
            _.WithRequestHeader("Cookie", cookies);
            _.WithRequestHeader("Origin", app.Url);
        }

        if (row.TryGetProperty("body", out var body))
            _.Post.RawJson(Filled(body.GetRawText())).ToUrl(path);
        else
            _.Get.Url($"{path}?{Filled(row.GetProperty("query").GetString()!)}");
        _.IgnoreStatusCode();
    });
}
