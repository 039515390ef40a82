using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;
using Modular.Testing;

namespace Modular.Identity.Tests;

/// <summary>Every route of the adapter, found and not listed, against everybody who has no key.</summary>
public sealed class AdapterKeyTests(AdapterApp app) : IClassFixture<AdapterApp>
{
    internal static IReadOnlyList<string> Methods(App app) =>
    [
        .. app.Services.GetRequiredService<EndpointDataSource>().Endpoints.OfType<RouteEndpoint>()
            .Select(route => route.RoutePattern.RawText!)
            .Where(path => path.StartsWith("/api/adapter/", StringComparison.Ordinal))
            .Select(path => path["/api/adapter/".Length..])
            .Order(),
    ];

    [Fact]
    public void Every_method_of_an_adapter_has_a_route() => Assert.Equal(
        [
            "create-authenticator", "create-session", "create-user", "create-verification-token", "delete-session", "delete-user", "get-account",
            "get-authenticator", "get-session-and-user", "get-user", "get-user-by-account", "get-user-by-email", "link-account",
            "list-authenticators", "unlink-account", "update-authenticator-counter", "update-session", "update-user", "use-verification-token",
        ],
        Methods(app));

    [Fact]
    public async Task Whoever_shows_no_key_gets_nothing_and_does_nothing()
    {
        var root = await app.Root();
        var token = root.Answer.GetProperty("token").GetString()!;
        var rows = await Everything();
        (string Name, string Value)[][] callers =
        [
            [],
            [("Authorization", "Bearer wrong")],
            [("Authorization", $"Bearer {AdapterApp.Key}x")],
            [("Authorization", $"Bearer {AdapterApp.Key[..^1]}")],
            [("Authorization", $"Basic {AdapterApp.Key}")],
            [("Authorization", AdapterApp.Key)],
            [("Authorization", "Bearer ")],
            [("Cookie", root.Browser.CookieHeader), ("Origin", app.Url)],
            [("Authorization", $"Bearer {token}")],
        ];
        foreach (var method in Methods(app))
        {
            foreach (var caller in callers)
            {
                foreach (var body in (string[])[Body(root.Id), "{oops"])
                {
                    var answer = await app.Scenario(_ =>
                    {
                        _.Post.RawJson(body).ToUrl($"/api/adapter/{method}");
                        foreach (var (name, value) in caller)
                            _.WithRequestHeader(name, value);
                        _.StatusCodeShouldBe(401);
                    });
                    Assert.Equal("""{"error":"Unauthorized","code":"unauthorized"}""", answer.Body);
                }
            }
        }

        Assert.Equal(rows, await Everything());
    }

    [Fact]
    public async Task Both_keys_are_good_while_they_are_changed()
    {
        await app.Call("get-user", new { id = "x" }, key: AdapterApp.Key);
        await app.Call("get-user", new { id = "x" }, key: AdapterApp.PreviousKey);
    }

    [Fact]
    public async Task Without_a_word_on_the_visitor_nothing_is_known_of_them()
    {
        var id = await app.MadeUser();
        await app.Scenario(_ =>
        {
            _.Post.Json(new { sessionToken = Guid.NewGuid(), userId = id, expires = DateTimeOffset.UtcNow.AddDays(1) }).ToUrl("/api/adapter/create-session");
            _.WithRequestHeader("Authorization", $"Bearer {AdapterApp.Key}");
            _.WithRequestHeader("User-Agent", "node");
            _.WithRequestHeader("X-Visitor-IP", "none of your business");
        });
        Assert.Equal([null, null], (await app.Sql("select data ->> 'ipAddress', data ->> 'userAgent' from sessions.mt_doc_session where user_id = $1", id))[0]);
    }

    [Theory]
    [InlineData("Adapter:ApiKey", "short", null)]
    [InlineData("Adapter:PreviousApiKey", "long enough to be a key of an application", "short")]
    [InlineData("Adapter:PreviousApiKey", null, "long enough to be a key of an application")]
    public async Task A_key_that_is_none_stops_the_start_with_its_name(string named, string? key, string? previous)
    {
        var wrong = new WrongApp(new() { ["Adapter:ApiKey"] = key, ["Adapter:PreviousApiKey"] = previous });
        var failure = await Assert.ThrowsAsync<OptionsValidationException>(wrong.InitializeAsync);
        await wrong.DisposeAsync();
        Assert.Contains(named, failure.Message, StringComparison.Ordinal);
    }

    private static string Body(string id) =>
        $$"""{"id":"{{id}}","userId":"{{id}}","email":"new@example.com","name":"x","type":"oidc","provider":"p","providerAccountId":"1","sessionToken":"0123456789012345678901","expires":"2099-01-01T00:00:00.000Z","identifier":"a@example.com","token":"t","credentialID":"AAAA","credentialPublicKey":"AAAA","counter":0,"newCounter":1,"credentialDeviceType":"singleDevice","credentialBackedUp":true}""";

    private async Task<IReadOnlyList<object?>> Everything() => (await app.Sql("""
        select (select count(*) from identity.mt_events), (select count(*) from sessions.mt_events), (select count(*) from identity.mt_doc_user),
            (select count(*) from identity.mt_doc_verification), (select count(*) from sessions.mt_doc_session)
        """))[0];

    private sealed class WrongApp(Dictionary<string, string?> settings) : App(settings);
}

/// <summary>A server that was given no key.</summary>
public sealed class AdapterTurnedOffTests(App app) : IClassFixture<App>
{
    [Fact]
    public async Task No_route_is_there_and_none_is_described()
    {
        foreach (var method in AdapterKeyTests.Methods(app))
        {
            var answer = await app.Call(method, new { id = "x" }, 404);
            Assert.Equal("""{"error":"Not found","code":"not_found"}""", answer.Body);
        }

        Assert.DoesNotContain("/api/adapter", (await app.Scenario(_ => _.Get.Url("/openapi/v1.json"))).Body, StringComparison.Ordinal);
    }
}
