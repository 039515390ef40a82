using System.Text.Json;
using Modular.Testing;

namespace Modular.Host.Tests;

public sealed class ApiDescriptionTests(App app) : IClassFixture<App>
{
    [Fact]
    public async Task Every_operation_has_a_summary_a_group_and_a_name_of_its_own()
    {
        var operations = (await Document()).GetProperty("paths").EnumerateObject()
            .SelectMany(path => path.Value.EnumerateObject().Select(operation => operation.Value)).ToList();
        Assert.NotEmpty(operations);
        Assert.All(operations, operation =>
        {
            Assert.NotEqual("", operation.GetProperty("summary").GetString());
            Assert.Single(operation.GetProperty("tags").EnumerateArray());
        });
        Assert.Equal(operations.Count, operations.Select(operation => operation.GetProperty("operationId").GetString()).Distinct().Count());
    }

    [Fact]
    public async Task Input_of_the_auth_surface_is_named_as_on_the_wire()
    {
        var schema = (await Document()).GetProperty("paths").GetProperty("/api/auth/sign-up/email").GetProperty("post")
            .GetProperty("requestBody").GetProperty("content").GetProperty("application/json").GetProperty("schema");
        Assert.Equal(["name", "email", "password"], schema.GetProperty("required").EnumerateArray().Select(name => name.GetString()));
        Assert.Equal(
            ["name", "email", "password", "image", "callbackURL", "rememberMe", "username", "displayUsername"],
            schema.GetProperty("properties").EnumerateObject().Select(member => member.Name));
        Assert.Equal("email", schema.GetProperty("properties").GetProperty("email").GetProperty("format").GetString());
    }

    [Fact]
    public async Task Errors_have_the_shape_of_their_surface()
    {
        var paths = (await Document()).GetProperty("paths");
        Assert.Equal("#/components/schemas/AuthError", ErrorOf(paths, "/api/auth/list-sessions"));
        Assert.Equal("#/components/schemas/Error", ErrorOf(paths, "/api/profiles/{id}"));
    }

    [Fact]
    public async Task Nothing_is_described_that_no_operation_shows()
    {
        var text = (await app.Scenario(_ => _.Get.Url("/openapi/v1.json"))).Body;
        var schemas = (await Document()).GetProperty("components").GetProperty("schemas").EnumerateObject().Select(schema => schema.Name);
        Assert.All(schemas, name => Assert.Contains($"\"#/components/schemas/{name}\"", text, StringComparison.Ordinal));
    }

    [Fact]
    public async Task The_page_is_served_with_a_policy_that_lets_it_load_nothing_else()
    {
        var page = await app.Scenario(_ => _.Get.Url("/docs"));
        Assert.Equal("text/html; charset=utf-8", page.Header("Content-Type"));
        Assert.Contains("default-src 'none'; script-src 'self'", page.Header("Content-Security-Policy"), StringComparison.Ordinal);
        Assert.DoesNotContain("//", page.Body.Replace("<!doctype html>", "", StringComparison.Ordinal), StringComparison.Ordinal);
        await app.Scenario(_ => _.Get.Url("/docs/docs.js"));
        var style = await app.Scenario(_ => _.Get.Url("/docs/docs.css"));
        await app.Scenario(_ =>
        {
            _.Get.Url("/docs/docs.css");
            _.WithRequestHeader("If-None-Match", style.Header("ETag")!);
            _.StatusCodeShouldBe(304);
        });
    }

    private static string? ErrorOf(JsonElement paths, string path) => paths.GetProperty(path).GetProperty("get").GetProperty("responses")
        .GetProperty("401").GetProperty("content").GetProperty("application/json").GetProperty("schema").GetProperty("$ref").GetString();

    private async Task<JsonElement> Document() => (await app.Scenario(_ => _.Get.Url("/openapi/v1.json"))).Json();
}

public sealed class ApiDescriptionTurnedOff(ApiDescriptionTurnedOff.Silent app) : IClassFixture<ApiDescriptionTurnedOff.Silent>
{
    public sealed class Silent() : App(new Dictionary<string, string?> { ["Modular:OpenApi"] = "false" });

    [Theory]
    [InlineData("/openapi/v1.json")]
    [InlineData("/docs")]
    [InlineData("/docs/docs.js")]
    public async Task Neither_document_nor_page_is_served(string path) => await app.Scenario(_ =>
    {
        _.Get.Url(path);
        _.StatusCodeShouldBe(404);
    });
}
