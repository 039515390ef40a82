using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;
using System.Text.Unicode;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.WebUtilities;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Primitives;

namespace Modular.Kernel;

/// <summary>Steps 2 and 3 of the order of checks (contract §1): content type, JSON, Origin, redirect URLs; and the form check.</summary>
internal static partial class WireRequest
{
    public const string Json = "application/json";
    public const string Form = "application/x-www-form-urlencoded";

    /// <summary>Longer ones are not trusted: they are stored, and sent in mails, before anybody has signed in.</summary>
    private const int LongestRedirect = 2048;

    private static readonly (string Member, string Label, string Code)[] RedirectMembers =
    [
        ("callbackURL", "callbackURL", "INVALID_CALLBACK_URL"),
        ("redirectTo", "redirectURL", "INVALID_REDIRECT_URL"),
        ("errorCallbackURL", "errorCallbackURL", "INVALID_ERROR_CALLBACK_URL"),
        ("newUserCallbackURL", "newUserCallbackURL", "INVALID_NEW_USER_CALLBACK_URL"),
    ];

    /// <summary>The parsed body; <see cref="JsonValueKind.Undefined"/> without a body or, as recorded, without a content type.</summary>
    public static async Task<Outcome<JsonElement>> ReadBody(HttpContext context, bool acceptsForm)
    {
        var request = context.Request;
        var hasBody = context.Features.Get<IHttpRequestBodyDetectionFeature>()?.CanHaveBody ?? true;
        if (!hasBody || request.ContentLength == 0 || string.IsNullOrEmpty(request.ContentType))
            return default(JsonElement);

        var type = request.ContentType.Split(';')[0].Trim();
        var isForm = acceptsForm && type.Equals(Form, StringComparison.OrdinalIgnoreCase);
        if (!isForm && !JsonType().IsMatch(type))
            return Refusal.Of(
                StatusCodes.Status415UnsupportedMediaType,
                "UNSUPPORTED_MEDIA_TYPE",
                $"Content-Type \"{request.ContentType}\" is not allowed. Allowed types: {(acceptsForm ? $"{Form}, {Json}" : Json)}");

        using var body = new MemoryStream();
        await request.Body.CopyToAsync(body, context.RequestAborted);
        var bytes = body.GetBuffer().AsSpan(0, (int)body.Length);
        return isForm ? FromPairs(QueryHelpers.ParseQuery(Encoding.UTF8.GetString(bytes)), lastWins: true) : Parse(bytes);
    }

    /// <summary>Every parameter a string, a repeated one an array of strings.</summary>
    public static JsonElement ReadQuery(HttpRequest request) =>
        FromPairs(request.QueryString.HasValue ? QueryHelpers.ParseQuery(request.QueryString.Value) : [], lastWins: false);

    /// <summary>Origin check of every POST that carries cookies (contract §3).</summary>
    public static Refusal? CheckOrigin(HttpContext context, TrustedUrls trusted) =>
        HasCookies(context.Request) ? RequireOrigin(context, trusted) : null;

    /// <summary>Form check: a sign-in without cookies must not be made by a foreign page either (contract §3).</summary>
    public static Refusal? CheckForm(HttpContext context, TrustedUrls trusted)
    {
        var headers = context.Request.Headers;
        if (HasCookies(context.Request))
            return null;
        string[] fetch = [headers["Sec-Fetch-Site"].ToString(), headers["Sec-Fetch-Mode"].ToString(), headers["Sec-Fetch-Dest"].ToString()];
        if (fetch is ["cross-site", "navigate", _])
        {
            return Foreign(context, Refusal.Forbidden(
                "CROSS_SITE_NAVIGATION_LOGIN_BLOCKED",
                "Cross-site navigation login blocked. This request appears to be a CSRF attack."));
        }

        return fetch.All(string.IsNullOrWhiteSpace) && OriginHeader(headers).Length == 0 ? null : RequireOrigin(context, trusted);
    }

    /// <summary>Redirect targets of a POST; falsy ones (empty, null, 0, false) are as good as absent, as in JavaScript.</summary>
    public static Refusal? CheckRedirects(HttpContext context, JsonElement body, Func<JsonElement> query, TrustedUrls trusted)
    {
        foreach (var (member, label, code) in RedirectMembers)
        {
            var target = Truthy(body, member);
            if (target is null && member == "callbackURL" && context.Request.QueryString.HasValue)
                target = Truthy(query(), member);
            if (target is null)
                continue;
            if (target.Value.ValueKind != JsonValueKind.String)
                return Refusal.BadRequest("BAD_REQUEST", $"Invalid {label}: expected a string").WithoutCode();
            if (!IsRedirect(context, target.Value.GetString()!, trusted))
                return Refusal.Forbidden(code, $"Invalid {label}");
        }

        return null;
    }

    /// <summary>Redirect targets of a GET, all refused with one code (contract §3, last row).</summary>
    public static Refusal? CheckRedirects(HttpContext context, JsonElement query, IReadOnlyList<string> members, TrustedUrls trusted) =>
        members.All(member => Truthy(query, member) is not { ValueKind: JsonValueKind.String } target || IsRedirect(context, target.GetString()!, trusted))
            ? null
            : Refusal.Forbidden("INVALID_CALLBACK_URL", "Invalid callbackURL");

    private static bool IsRedirect(HttpContext context, string url, TrustedUrls trusted) =>
        url.Length <= LongestRedirect && trusted.IsTrustedRedirect(context, url);

    /// <summary>
    /// The same beyond the auth surface, where a program that sends cookies need not say where it comes from: browsers always
    /// do when they change something, and what they say has to be trusted.
    /// </summary>
    public static Refusal? CheckOriginIfNamed(HttpContext context, TrustedUrls trusted)
    {
        var request = context.Request;
        var changes = !HttpMethods.IsGet(request.Method) && !HttpMethods.IsHead(request.Method);
        return changes && !Surface.IsAuth(request.Path) && OriginHeader(request.Headers).Length > 0 ? CheckOrigin(context, trusted) : null;
    }

    private static Refusal? RequireOrigin(HttpContext context, TrustedUrls trusted)
    {
        var origin = OriginHeader(context.Request.Headers);
        if (origin is "" or "null")
            return Foreign(context, Refusal.Forbidden("MISSING_OR_NULL_ORIGIN", "Missing or null Origin"));
        return trusted.IsTrustedOrigin(context, origin) ? null : Foreign(context, Refusal.Forbidden("INVALID_ORIGIN", "Invalid origin"));
    }

    // Whose cookies a foreign page sent along is not asked.
    private static Refusal Foreign(HttpContext context, Refusal refusal)
    {
        context.RequestServices.GetRequiredService<RefusedRequests>().Count(RefusedKind.ForeignOrigin, context);
        return refusal;
    }

    /// <summary>Where a request says that it comes from, for a log: without a path, which may hold a secret.</summary>
    public static string OriginOf(HttpContext context) => OriginHeader(context.Request.Headers) switch
    {
        "" => "no Origin",
        var header when Uri.TryCreate(header, UriKind.Absolute, out var url) && url is { UserInfo: "", IdnHost.Length: < 100 } => $"{url.Scheme}://{url.IdnHost}:{url.Port}",
        _ => "an Origin that is no URL",
    };

    private static string OriginHeader(IHeaderDictionary headers) =>
        headers.Origin.ToString() is { Length: > 0 } origin ? origin : headers.Referer.ToString();

    private static bool HasCookies(HttpRequest request) => request.Headers.Cookie.Count > 0;

    private static Outcome<JsonElement> Parse(ReadOnlySpan<byte> bytes)
    {
        if (bytes.StartsWith(Encoding.UTF8.Preamble))
            bytes = bytes[Encoding.UTF8.Preamble.Length..];
        try
        {
            if (Utf8.IsValid(bytes) && IsStorable(bytes))
                return JsonElement.Parse(bytes);
        }
        catch (JsonException)
        {
            // Answered below.
        }

        return Refusal.BadRequest("BAD_REQUEST", "Invalid JSON in request body");
    }

    // Halves of surrogate pairs and NUL can be escaped, but neither be made a .NET string nor stored by PostgreSQL.
    private static bool IsStorable(ReadOnlySpan<byte> json)
    {
        if (json.IndexOf("\\u"u8) < 0)
            return true;
        var reader = new Utf8JsonReader(json);
        while (reader.Read())
        {
            if (reader.TokenType is not (JsonTokenType.String or JsonTokenType.PropertyName) || !reader.ValueIsEscaped)
                continue;
            try
            {
                if (reader.GetString()!.Contains('\0'))
                    return false;
            }
            catch (InvalidOperationException)
            {
                return false;
            }
        }

        return true;
    }

    private static JsonElement FromPairs(Dictionary<string, StringValues> pairs, bool lastWins) =>
        JsonSerializer.SerializeToElement(pairs.ToDictionary(
            pair => pair.Key,
            pair => lastWins || pair.Value.Count == 1 ? (object?)pair.Value[^1] : pair.Value.ToArray()));

    private static JsonElement? Truthy(JsonElement input, string member)
    {
        if (input.ValueKind != JsonValueKind.Object || !input.TryGetProperty(member, out var value))
            return null;
        var isFalsy = value.ValueKind switch
        {
            JsonValueKind.Null or JsonValueKind.False => true,
            JsonValueKind.String => value.ValueEquals(""),
            JsonValueKind.Number => value.GetDouble() == 0,
            _ => false,
        };
        return isFalsy ? null : value;
    }

    [GeneratedRegex(@"^application/([a-z0-9.+-]*\+)?json\z", RegexOptions.IgnoreCase | RegexOptions.CultureInvariant)]
    private static partial Regex JsonType();
}
