using System.Net.Sockets;
using System.Text.Json;
using System.Text.RegularExpressions;
using FluentValidation;
using MediatR;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;
using Npgsql;

namespace Modular.Kernel.Tests;

public sealed partial class ProblemTests
{
    private static string Json(int status, string body) => $"{status}\ncontent-type: application/json\n{body}";

    private static string Traced(int status, string body) => $"{status}\ncontent-type: application/json\nx-request-id: TRACE\n{body}";

    [Theory]
    [InlineData("POST", "/api/names", "{oops", 400, """{"error":"Invalid JSON in request body","code":"invalid_json"}""")]
    [InlineData("POST", "/api/names", """{"name":7,"age":1}""", 400, """{"error":"Invalid JSON in request body","code":"invalid_json"}""")]
    [InlineData("POST", "/api/names", """{"name":"","age":0}""", 400, """{"error":"The request is not valid","code":"validation_failed","details":[{"field":"name","message":"must not be empty"},{"field":"age","message":"must be positive"}]}""")]
    [InlineData("POST", "/api/names", """{"name":"ada","age":1}""", 409, """{"error":"Name taken","code":"name_taken"}""")]
    [InlineData("POST", "/api/names", """{"name":"bob","age":1}""", 200, "\"\\\"bob\\\"\"")]
    [InlineData("POST", "/api/auth/names", """{"name":""}""", 400, """{"message":"[body.name] must not be empty","code":"VALIDATION_ERROR"}""")]
    [InlineData("POST", "/api/auth/names", """{"name":"ada"}""", 409, """{"message":"Name taken","code":"NAME_TAKEN"}""")]
    [InlineData("GET", "/api/nope", null, 404, """{"error":"Not found","code":"not_found"}""")]
    [InlineData("GET", "/api/number/x", null, 400, """{"error":"Invalid request","code":"invalid_request"}""")]
    public async Task Every_refusal_has_the_shape_of_its_surface(string method, string path, string? body, int status, string answer)
    {
        await using var app = await App.Start(routes: app => app.MapGet("/api/number/{number}", (int number) => number));
        Assert.Equal(Json(status, answer), await app.Send(method, path, body));
        Assert.Empty(app.Log.Lines);
    }

    [Fact]
    public async Task A_wrong_method_and_a_wrong_content_type_say_so_outside_the_auth_surface()
    {
        await using var app = await App.Start();
        Assert.Equal(
            "405\nallow: POST\ncontent-type: application/json\n" + """{"error":"Method not allowed","code":"method_not_allowed"}""",
            await app.Send("GET", "/api/names"));
        Assert.Equal(Json(415, """{"error":"Unsupported media type","code":"unsupported_media_type"}"""), await app.Send("POST", "/api/names", "x", "text/plain"));
        Assert.Equal("404\n", await app.Send("GET", "/console"));
    }

    [Fact]
    public async Task A_body_over_the_limit_is_413_here_too()
    {
        await using var app = await App.Start(new() { ["Modular:MaxRequestBodySize"] = "100" });
        foreach (var content in (HttpContent[])[new StreamContent(new Endless(200)), new ByteArrayContent(new byte[200])])
        {
            using var request = new HttpRequestMessage(HttpMethod.Post, "/api/names") { Content = content };
            content.Headers.TryAddWithoutValidation("Content-Type", "application/json");
            request.Headers.TransferEncodingChunked = content is StreamContent;
            Assert.Equal(Json(413, """{"error":"Request body too large","code":"body_too_large"}"""), await app.Send(request));
        }
    }

    [Fact]
    public async Task Something_unexpected_is_500_with_a_trace_id_and_logged_once()
    {
        await using var app = await App.Start(routes: app =>
        {
            app.MapGet("/api/boom", IResult (HttpContext context) =>
            {
                context.Response.Cookies.Append("half", "done");
                throw new InvalidOperationException("secret detail");
            });
            app.MapAuthGet("/boom", IResult () => throw new InvalidOperationException("secret detail"));
        });
        Assert.Equal(Traced(500, """{"error":"Internal server error","code":"internal_error","details":{"traceId":"TRACE"}}"""), Masked(await app.Send("GET", "/api/boom")));
        Assert.Equal(Traced(500, """{"message":"Internal server error","code":"INTERNAL_SERVER_ERROR"}"""), Masked(await app.Send("GET", "/api/auth/boom")));
        Assert.Equal(2, app.Log.Lines.Count);
        Assert.Matches("^GET /api/boom failed, trace ", app.Log.Lines[0]);
    }

    [Fact]
    public async Task An_outage_of_the_database_is_503()
    {
        await using var app = await App.Start(routes: app =>
        {
            app.MapGet("/api/down", IResult () => throw new InvalidOperationException("wrapped", new NpgsqlException("down", new SocketException())));
            app.MapAuthGet("/down", IResult () => throw new TimeoutException());
        });
        Assert.Equal(Traced(503, """{"error":"Service unavailable","code":"service_unavailable","details":{"traceId":"TRACE"}}"""), Masked(await app.Send("GET", "/api/down")));
        Assert.Equal(Traced(503, """{"message":"Service unavailable","code":"SERVICE_UNAVAILABLE"}"""), Masked(await app.Send("GET", "/api/auth/down")));
    }

    [Fact]
    public async Task A_client_that_went_away_is_no_error()
    {
        var entered = new TaskCompletionSource();
        var left = new TaskCompletionSource();
        await using var app = await App.Start(routes: app => app.MapGet("/api/slow", async (CancellationToken ct) =>
        {
            entered.SetResult();
            try
            {
                await Task.Delay(Timeout.Infinite, ct);
            }
            finally
            {
                left.SetResult();
            }
        }));
        using var client = app.Client();
        using var away = new CancellationTokenSource();
        var answer = client.GetAsync("/api/slow", away.Token);
        await entered.Task;
        await away.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => answer);
        await left.Task;
        Assert.Empty(app.Log.Lines);
    }

    [Fact]
    public async Task The_openapi_document_tells_bodies_and_queries()
    {
        await using var app = await App.Start();
        var document = await app.Send("GET", "/openapi/v1.json");
        var paths = JsonDocument.Parse(document[document.IndexOf('{')..]).RootElement.GetProperty("paths");
        var signIn = paths.GetProperty("/api/auth/sign-in/email").GetProperty("post");
        Assert.Equal("Signs in with an e-mail address and a password.", signIn.GetProperty("summary").GetString());
        Assert.Equal(
            ["application/json", "application/x-www-form-urlencoded"],
            signIn.GetProperty("requestBody").GetProperty("content").EnumerateObject().Select(type => type.Name));
        Assert.False(signIn.TryGetProperty("parameters", out _));
        Assert.Equal(
            ["token", "callbackURL"],
            paths.GetProperty("/api/auth/verify-email").GetProperty("get").GetProperty("parameters").EnumerateArray().Select(parameter => parameter.GetProperty("name").GetString()));
    }

    [Theory]
    [InlineData("Auth:Secret", null, "Auth:Secret")]
    [InlineData("Auth:Secret", "short", "Auth:Secret")]
    [InlineData("Auth:SessionLifetime", "eight hours", "Auth:SessionLifetime")]
    [InlineData("Auth:SessionLifetime", "00:00:00", "Auth:SessionLifetime")]
    [InlineData("Auth:SessionMaxLifetime", "1:00:00", "Auth:SessionMaxLifetime")]
    [InlineData("Auth:MaxSessionsPerUser", "0", "Auth:MaxSessionsPerUser")]
    [InlineData("Auth:BaseUrl", "auth.example.com", "Auth:BaseUrl")]
    [InlineData("Auth:TrustedOrigins", "http://a.test,nonsense", "nonsense")]
    [InlineData("Auth:TrustedProxies", "10.0.0.0/33", "Auth:TrustedProxies")]
    [InlineData("Auth:AllowSignUp", "perhaps", "Auth:AllowSignUp")]
    public async Task A_wrong_setting_stops_the_start_with_its_name(string key, string? value, string named)
    {
        var stopped = await Assert.ThrowsAnyAsync<Exception>(() => App.Start(new() { [key] = value }));
        Assert.Contains(named, stopped.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Settings_have_the_aliases_of_better_auth()
    {
        await using var app = await App.Start(new()
        {
            ["Auth:Secret"] = null,
            ["BETTER_AUTH_SECRET"] = "another-secret-of-more-than-32-characters",
            ["Auth:BaseUrl"] = "",
            ["AUTH_URL"] = "https://auth.example.com/x",
            ["Auth:TrustedOrigins"] = null,
            ["Auth:TrustedOrigins:0"] = "http://a.test",
            ["BETTER_AUTH_TRUSTED_ORIGINS"] = "http://b.test, http://c.test",
            ["Auth:SessionLifetime"] = "7.00:00:00",
        });
        var options = app.Services.GetRequiredService<IOptions<AuthOptions>>().Value;
        Assert.Equal("another-secret-of-more-than-32-characters", options.Secret);
        Assert.Equal(["http://a.test", "http://b.test", "http://c.test"], options.TrustedOrigins);
        Assert.Equal(TimeSpan.FromDays(7), options.SessionLifetime);
        Assert.Equal(new Uri("https://auth.example.com/"), app.Services.GetRequiredService<PublicAddress>().Known);
    }

    [Fact]
    public void A_validator_that_could_not_refuse_stops_the_start()
    {
        var services = new ServiceCollection().AddTransient<IRequestHandler<Ask, int>, Asked>().AddTransient<IValidator<Ask>, AskValidator>();
        var stopped = Assert.Throws<InvalidOperationException>(() => services.AddModule(new TestModule(), new ConfigurationManager()));
        Assert.Contains(nameof(AskValidator), stopped.Message, StringComparison.Ordinal);
    }

    private static string Masked(string answer) => TraceId().Replace(answer, "TRACE");

    [GeneratedRegex("(?<=x-request-id: |\"traceId\":\")[0-9a-f]{32}")]
    private static partial Regex TraceId();

    private sealed record Ask : IRequest<int>;

    private abstract class Asked : IRequestHandler<Ask, int>
    {
        public abstract Task<int> Handle(Ask request, CancellationToken cancellationToken);
    }

    private abstract class AskValidator : AbstractValidator<Ask>;
}
