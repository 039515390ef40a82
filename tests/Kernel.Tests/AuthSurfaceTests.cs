using System.Net.Http.Headers;
using Microsoft.Extensions.DependencyInjection;

namespace Modular.Kernel.Tests;

/// <summary>Requests and answers as in part A of the transcripts, whole.</summary>
public sealed class AuthSurfaceTests
{
    private const string SignedCookie = "better-auth.session_token=x";
    private const string Credentials = """{"email":"ann@example.com","password":"password-ann-1"}""";
    private const string SignedIn = "200\ncontent-type: application/json\n" + """{"email":"ann@example.com","password":"password-ann-1","rememberMe":null}""";

    private static string Error(int status, string body) => $"{status}\ncontent-type: application/json\n{body}";

    [Theory]
    [InlineData("GET", "/api/auth/nope")]
    [InlineData("POST", "/api/auth/nope")]
    [InlineData("GET", "/api/auth")]
    [InlineData("GET", "/api/auth/")]
    [InlineData("GET", "/api/auth/sign-in/email")]
    [InlineData("POST", "/api/auth/ok")]
    [InlineData("PUT", "/api/auth/ok")]
    [InlineData("DELETE", "/api/auth/ok")]
    [InlineData("HEAD", "/api/auth/ok")]
    [InlineData("OPTIONS", "/api/auth/ok")]
    [InlineData("GET", "/api/auth/ok/")]
    [InlineData("GET", "/api/auth//ok")]
    [InlineData("GET", "/api/auth/Ok")]
    [InlineData("GET", "/API/auth/ok")]
    [InlineData("GET", "/api/AUTH/ok")]
    [InlineData("GET", "/api/auth/RESET/token")]
    [InlineData("GET", "/api/auth/reset/token/")]
    [InlineData("POST", "/api/auth/sign-in/email/")]
    public async Task Every_other_path_and_method_is_404_and_empty(string method, string path)
    {
        await using var app = await App.Start();
        Assert.Equal("404\n", await app.Send(method, path, method == "POST" ? Credentials : null));
    }

    [Fact]
    public async Task A_known_path_answers()
    {
        await using var app = await App.Start();
        Assert.Equal("200\ncontent-type: application/json\n" + """{"ok":true}""", await app.Send("GET", "/api/auth/ok"));
        Assert.Equal("200\ncontent-type: application/json\n" + "\"ToKen\"", await app.Send("GET", "/api/auth/reset/ToKen"));
    }

    [Theory]
    [InlineData(null)]
    [InlineData("application/json")]
    public async Task A_required_body_is_undefined_when_there_is_none(string? type)
    {
        await using var app = await App.Start();
        Assert.Equal(
            Error(400, """{"message":"[body] Invalid input: expected object, received undefined","code":"VALIDATION_ERROR"}"""),
            await app.Send("POST", "/api/auth/sign-in/email", type is null ? """{"a":1}""" : null, type));
    }

    [Theory]
    [InlineData("/sign-in/email", "text/plain", """Content-Type \"text/plain\" is not allowed. Allowed types: application/x-www-form-urlencoded, application/json""")]
    [InlineData("/change-password", "application/x-www-form-urlencoded", """Content-Type \"application/x-www-form-urlencoded\" is not allowed. Allowed types: application/json""")]
    [InlineData("/request-password-reset", "multipart/form-data; boundary=x", """Content-Type \"multipart/form-data; boundary=x\" is not allowed. Allowed types: application/json""")]
    [InlineData("/change-password", "application/jsonp", """Content-Type \"application/jsonp\" is not allowed. Allowed types: application/json""")]
    public async Task Another_content_type_is_refused_before_anything_else(string path, string type, string message)
    {
        await using var app = await App.Start();
        Assert.Equal(
            Error(415, $$"""{"message":"{{message}}","code":"UNSUPPORTED_MEDIA_TYPE"}"""),
            await app.Send("POST", "/api/auth" + path, "{oops", type, ("Cookie", SignedCookie)));
    }

    [Theory]
    [InlineData("application/json; charset=utf-8")]
    [InlineData("Application/JSON")]
    [InlineData("application/vnd.api+json")]
    public async Task Every_kind_of_json_is_read(string type)
    {
        await using var app = await App.Start();
        Assert.Equal(SignedIn, await app.Send("POST", "/api/auth/sign-in/email", Credentials, type));
    }

    [Fact]
    public async Task A_form_is_read_where_allowed()
    {
        await using var app = await App.Start();
        Assert.Equal(
            "200\ncontent-type: application/json\n" + """{"email":"f@example.com","password":"pass word","rememberMe":null}""",
            await app.Send("POST", "/api/auth/sign-in/email", "email=x&email=f%40example.com&password=pass+word", "application/x-www-form-urlencoded"));
    }

    [Theory]
    [InlineData("{oops")]
    [InlineData("{} {}")]
    [InlineData("{\"a\":1,}")]
    [InlineData("""{"a":"\ud800"}""")]
    [InlineData("""{"a":["\u0000"]}""")]
    [InlineData("""{"\u0000":1}""")]
    public async Task Broken_json_is_refused_before_the_origin_is_looked_at(string json)
    {
        await using var app = await App.Start();
        Assert.Equal(
            Error(400, """{"message":"Invalid JSON in request body","code":"BAD_REQUEST"}"""),
            await app.Send("POST", "/api/auth/request-password-reset", json, "application/json", ("Cookie", SignedCookie)));
    }

    [Fact]
    public async Task Escapes_that_make_a_text_are_fine()
    {
        await using var app = await App.Start();
        Assert.Equal(
            "200\ncontent-type: application/json\n" + """{"a":"\uD83D\uDE00éé"}""",
            await app.Send("POST", "/api/auth/change-password", """{"a":"\ud83d\ude00é\u00e9"}"""));
    }

    [Theory]
    [InlineData("", "", "Missing or null Origin", "MISSING_OR_NULL_ORIGIN")]
    [InlineData("Origin", "null", "Missing or null Origin", "MISSING_OR_NULL_ORIGIN")]
    [InlineData("Referer", "", "Missing or null Origin", "MISSING_OR_NULL_ORIGIN")]
    [InlineData("Origin", "http://evil.test", "Invalid origin", "INVALID_ORIGIN")]
    [InlineData("Origin", "https://localhost:4877", "Invalid origin", "INVALID_ORIGIN")]
    [InlineData("Origin", "/", "Invalid origin", "INVALID_ORIGIN")]
    [InlineData("Referer", "http://evil.test/http://localhost:4877", "Invalid origin", "INVALID_ORIGIN")]
    public async Task A_post_with_a_cookie_needs_a_trusted_origin_before_its_body_is_judged(string header, string value, string message, string code)
    {
        await using var app = await App.Start();
        Assert.Equal(
            Error(403, $$"""{"message":"{{message}}","code":"{{code}}"}"""),
            await app.Send("POST", "/api/auth/change-password", """[1]""", "application/json", ("Cookie", SignedCookie), (header, value)));
    }

    [Theory]
    [InlineData("Origin", "http://localhost:4877")]
    [InlineData("Origin", "http://app.localhost:3000")]
    [InlineData("Referer", "http://localhost:4877/account?x=1")]
    public async Task A_post_with_a_cookie_and_a_trusted_origin_passes(string header, string value)
    {
        await using var app = await App.Start();
        Assert.Equal(SignedIn, await app.Send("POST", "/api/auth/sign-in/email", Credentials, "application/json", ("Cookie", "any=1"), (header, value)));
    }

    [Fact]
    public async Task A_get_is_never_checked()
    {
        await using var app = await App.Start();
        Assert.Equal(
            "200\ncontent-type: application/json\n" + """{"ok":true}""",
            await app.Send("GET", "/api/auth/ok", null, null, ("Cookie", SignedCookie), ("Origin", "http://evil.test")));
    }

    [Theory]
    [InlineData("Origin: http://evil.test", "Invalid origin", "INVALID_ORIGIN")]
    [InlineData("Referer: http://evil.test/", "Invalid origin", "INVALID_ORIGIN")]
    [InlineData("Sec-Fetch-Mode: cors", "Missing or null Origin", "MISSING_OR_NULL_ORIGIN")]
    [InlineData("Sec-Fetch-Dest: empty|Origin: null", "Missing or null Origin", "MISSING_OR_NULL_ORIGIN")]
    [InlineData("Origin: http://evil.test|Sec-Fetch-Site: cross-site|Sec-Fetch-Mode: navigate", "Cross-site navigation login blocked. This request appears to be a CSRF attack.", "CROSS_SITE_NAVIGATION_LOGIN_BLOCKED")]
    public async Task A_sign_in_without_cookies_is_checked_when_a_browser_sent_it(string headers, string message, string code)
    {
        await using var app = await App.Start();
        var pairs = headers.Split('|').Select(header => (header.Split(": ")[0], header.Split(": ")[1])).ToArray();
        Assert.Equal(Error(403, $$"""{"message":"{{message}}","code":"{{code}}"}"""), await app.Send("POST", "/api/auth/sign-in/email", Credentials, "application/json", pairs));

        // The schema comes first, and other endpoints have no such check.
        Assert.Equal(
            Error(400, """{"message":"[body.email] Invalid input: expected string, received undefined; [body.password] Invalid input: expected string, received undefined","code":"VALIDATION_ERROR"}"""),
            await app.Send("POST", "/api/auth/sign-in/email", "{}", "application/json", pairs));
        Assert.Equal("200\ncontent-type: application/json\n" + """{"status":true}""", await app.Send("POST", "/api/auth/request-password-reset", "{}", "application/json", pairs));
    }

    [Theory]
    [InlineData("Origin", "http://app.localhost:3000")]
    [InlineData("X-Nothing", "curl")]
    public async Task A_sign_in_from_a_trusted_page_or_a_server_passes(string header, string value)
    {
        await using var app = await App.Start();
        Assert.Equal(SignedIn, await app.Send("POST", "/api/auth/sign-in/email", Credentials, "application/json", (header, value)));
    }

    [Theory]
    [InlineData("""{"callbackURL":"http://evil.test/x"}""", 403, """{"message":"Invalid callbackURL","code":"INVALID_CALLBACK_URL"}""")]
    [InlineData("""{"callbackURL":{"a":1}}""", 400, """{"message":"Invalid callbackURL: expected a string"}""")]
    [InlineData("""{"callbackURL":true}""", 400, """{"message":"Invalid callbackURL: expected a string"}""")]
    [InlineData("""{"redirectTo":"//evil.test"}""", 403, """{"message":"Invalid redirectURL","code":"INVALID_REDIRECT_URL"}""")]
    [InlineData("""{"redirectTo":[1]}""", 400, """{"message":"Invalid redirectURL: expected a string"}""")]
    [InlineData("""{"errorCallbackURL":"http://evil.test"}""", 403, """{"message":"Invalid errorCallbackURL","code":"INVALID_ERROR_CALLBACK_URL"}""")]
    [InlineData("""{"newUserCallbackURL":"http://evil.test"}""", 403, """{"message":"Invalid newUserCallbackURL","code":"INVALID_NEW_USER_CALLBACK_URL"}""")]
    [InlineData("""{"callbackURL":"","redirectTo":null,"errorCallbackURL":0,"newUserCallbackURL":false}""", 200, """{"status":true}""")]
    [InlineData("""{"callbackURL":"/dash?x=1","redirectTo":"http://localhost:4877/a","errorCallbackURL":"http://app.localhost:3000"}""", 200, """{"status":true}""")]
    [InlineData("""[{"callbackURL":"http://evil.test/x"}]""", 200, """{"status":true}""")]
    public async Task Redirect_targets_are_checked_before_the_schema(string json, int status, string body)
    {
        await using var app = await App.Start();
        Assert.Equal(Error(status, body), await app.Send("POST", "/api/auth/request-password-reset", json));
    }

    [Fact]
    public async Task A_redirect_target_in_the_query_of_a_post_is_checked_too()
    {
        await using var app = await App.Start();
        Assert.Equal(
            Error(403, """{"message":"Invalid callbackURL","code":"INVALID_CALLBACK_URL"}"""),
            await app.Send("POST", "/api/auth/request-password-reset?callbackURL=http%3A%2F%2Fevil.test", "{}"));
    }

    [Theory]
    [InlineData("?token=t&callbackURL=/dash", "302\nlocation: /dash\n")]
    [InlineData("?token=t&callbackURL=http%3A%2F%2Fapp.localhost%3A3000%2F%C3%A9", "302\nlocation: http://app.localhost:3000/%C3%A9\n")]
    [InlineData("?token=t", "400\ncontent-type: application/json\n" + """{"message":"[query.callbackURL] Invalid input: expected string, received undefined","code":"VALIDATION_ERROR"}""")]
    [InlineData("?callbackURL=http%3A%2F%2Fevil.test", "400\ncontent-type: application/json\n" + """{"message":"[query.token] Invalid input: expected string, received undefined","code":"VALIDATION_ERROR"}""")]
    [InlineData("?token=t&callbackURL=http%3A%2F%2Fevil.test", "403\ncontent-type: application/json\n" + """{"message":"Invalid callbackURL","code":"INVALID_CALLBACK_URL"}""")]
    [InlineData("?token=%00&callbackURL=/a&callbackURL=/b", "400\ncontent-type: application/json\n" + """{"message":"[query.token] Invalid input: unexpected NUL character; [query.callbackURL] Invalid input: expected string, received array","code":"VALIDATION_ERROR"}""")]
    public async Task The_query_of_a_get_is_judged_like_a_body(string query, string answer)
    {
        await using var app = await App.Start();
        Assert.Equal(answer, await app.Send("GET", "/api/auth/verify-email" + query));
    }

    [Fact]
    public async Task An_optional_body_may_be_absent_but_not_an_array()
    {
        await using var app = await App.Start();
        const string Cleared = "200\ncontent-type: application/json\n"
            + "set-cookie: better-auth.dont_remember=; Max-Age=0; Path=/; HttpOnly; SameSite=Lax\n"
            + "set-cookie: better-auth.session_data=; Max-Age=0; Path=/; HttpOnly; SameSite=Lax\n"
            + "set-cookie: better-auth.session_token=; Max-Age=0; Path=/; HttpOnly; SameSite=Lax\n"
            + """{"success":true}""";
        Assert.Equal(Cleared, await app.Send("POST", "/api/auth/sign-out"));
        Assert.Equal(Cleared, await app.Send("POST", "/api/auth/sign-out", "{}"));
        Assert.Equal(
            Error(400, """{"message":"[body] Invalid input: expected object, received array","code":"VALIDATION_ERROR"}"""),
            await app.Send("POST", "/api/auth/sign-out", "[]"));
        Assert.Equal(
            Error(400, """{"message":"[body] Invalid input: expected record, received array","code":"VALIDATION_ERROR"}"""),
            await app.Send("POST", "/api/auth/update-user", "[1]"));
    }

    [Theory]
    [InlineData("/refused", "401\ncontent-type: application/json\n" + """{"message":"Unauthorized","code":"UNAUTHORIZED"}""")]
    [InlineData("/refused/no-code", "400\ncontent-type: application/json\n" + """{"message":"No fields to update"}""")]
    [InlineData("/refused/empty", "401\n")]
    public async Task A_refusal_has_the_three_bodies_of_the_contract(string path, string answer)
    {
        await using var app = await App.Start();
        Assert.Equal(answer, await app.Send("GET", "/api/auth" + path));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_body_over_the_limit_is_413_whether_or_not_it_says_its_length(bool isChunked)
    {
        await using var app = await App.Start(new() { ["Modular:MaxRequestBodySize"] = "100" });
        using var request = new HttpRequestMessage(HttpMethod.Post, "/api/auth/request-password-reset");
        request.Content = isChunked ? new StreamContent(new Endless(101)) : new StringContent(new string(' ', 101));
        request.Content.Headers.ContentType = new MediaTypeHeaderValue("application/json");
        request.Headers.TransferEncodingChunked = isChunked;
        Assert.Equal(Error(413, """{"message":"Payload too large","code":"PAYLOAD_TOO_LARGE"}"""), await app.Send(request));
        Assert.Empty(app.Log.Lines);
    }

    [Fact]
    public async Task Without_a_base_url_the_address_of_the_request_is_ours()
    {
        await using var app = await App.Start(new() { ["Auth:BaseUrl"] = null });
        Assert.Equal(SignedIn, await app.Send("POST", "/api/auth/sign-in/email", Credentials, "application/json", ("Origin", "http://localhost")));
        app.Services.GetRequiredService<PublicAddress>().Set(new Uri("http://127.0.0.1:5000/x"));
        Assert.Equal(
            Error(403, """{"message":"Invalid origin","code":"INVALID_ORIGIN"}"""),
            await app.Send("POST", "/api/auth/sign-in/email", Credentials, "application/json", ("Origin", "http://localhost")));
        Assert.Equal(SignedIn, await app.Send("POST", "/api/auth/sign-in/email", Credentials, "application/json", ("Origin", "http://127.0.0.1:5000")));
    }
}
