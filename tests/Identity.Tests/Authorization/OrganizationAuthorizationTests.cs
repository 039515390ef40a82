using System.Text.Json;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Modular.Testing;

namespace Modular.Identity.Tests;

/// <summary>
/// Who gets what answer from which route about organizations: <c>organization.json</c>. A route without a row there fails, and
/// so does an answer that is not the expected one. <c>{organization}</c>, <c>{member}</c> and <c>{invitation}</c> stand for ids
/// of an organization made for each request.
/// </summary>
public sealed class OrganizationAuthorizationTests(App app) : IClassFixture<App>
{
    private static readonly JsonElement Table = JsonElement.Parse(File.ReadAllText(Path.Combine(AppContext.BaseDirectory, "Authorization", "organization.json")));

    public static IEnumerable<object[]> Cells => Table.EnumerateObject()
        .SelectMany(row => row.Value.GetProperty("answers").EnumerateObject().Select(object[] (answer) => [row.Name, answer.Name]));

    [Fact]
    public void Every_route_has_a_row_with_every_caller()
    {
        var routes = app.Services.GetServices<EndpointDataSource>().SelectMany(source => source.Endpoints).OfType<RouteEndpoint>()
            .Where(endpoint => endpoint.RoutePattern.RawText!.StartsWith("/api/auth/organization/", StringComparison.Ordinal))
            .Select(endpoint => $"{endpoint.Metadata.GetMetadata<IHttpMethodMetadata>()!.HttpMethods[0]} {endpoint.RoutePattern.RawText!["/api/auth".Length..]}");
        Assert.Equal(routes.Order(StringComparer.Ordinal), Table.EnumerateObject().Select(row => row.Name).Order(StringComparer.Ordinal));
        Assert.All(Table.EnumerateObject(), row => Assert.Equal(
            ["signed-out", "user", "member-elsewhere", "member", "admin", "owner", "administrator"],
            row.Value.GetProperty("answers").EnumerateObject().Select(answer => answer.Name)));
    }

    [Theory]
    [MemberData(nameof(Cells))]
    public async Task Every_caller_gets_the_answer_of_the_table(string route, string caller)
    {
        var row = Table.GetProperty(route);
        var owner = await app.SignedUp();
        var organization = await app.Founds(owner);
        var (other, member) = await app.Joined(owner, organization);
        var target = await app.SignedUp();
        var invitation = await app.Invites(owner, organization, target.Email);
        var asking = await Caller(caller, owner, organization);
        var text = row.TryGetProperty("input", out var input) ? input.GetRawText() : "{}";
        foreach (var (name, value) in ((string, string)[])[
            ("organization", organization), ("member", member), ("user", other.Id), ("invitation", invitation), ("new", Guild.NewSlug())])
            text = text.Replace($"{{{name}}}", value, StringComparison.Ordinal);

        var (method, path) = (route.Split(' ')[0], $"/api/auth{route.Split(' ')[1]}");
        var result = await app.Scenario(_ =>
        {
            if (asking is not null)
                _.As(asking.Browser);
            if (method == "GET")
                _.Get.Url(path + Query(text));
            else
                _.Post.RawJson(text).ToUrl(path);
            _.IgnoreStatusCode();
        });
        Assert.Equal(row.GetProperty("answers").GetProperty(caller).GetInt32(), result.Status);
    }

    private async Task<Person?> Caller(string caller, Person owner, string organization)
    {
        switch (caller)
        {
            case "signed-out":
                return null;
            case "owner":
                return owner;
            case "member" or "admin":
                return (await app.Joined(owner, organization, caller)).Person;
        }

        var somebody = await app.SignedUp();
        if (caller == "member-elsewhere")
            await app.Founds(somebody);
        if (caller == "administrator")
        {
            await app.Sql(
                "update identity.mt_doc_user set role = 'admin', data = jsonb_set(data, '{role}', '\"admin\"') where id = $1", somebody.Id);
        }

        return somebody;
    }

    private static string Query(string input) => "?" + string.Join('&', JsonElement.Parse(input).EnumerateObject()
        .Select(member => $"{member.Name}={Uri.EscapeDataString(member.Value.GetString()!)}"));
}
