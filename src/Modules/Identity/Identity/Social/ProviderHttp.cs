using System.Net;
using System.Net.Http.Headers;
using System.Text.Json;

namespace Modular.Identity;

/// <summary>
/// How we talk to providers: seconds, not minutes; no redirects, which could lead a secret elsewhere; no cookies; answers
/// of a size that an answer has. Nothing of what is sent is ever in an exception or a log, only where to and the status.
/// </summary>
internal sealed class ProviderHttp : IDisposable
{
    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);

    private const int LargestAnswer = 512 * 1024;

    private readonly HttpClient client = new(
        new SocketsHttpHandler
        {
            AllowAutoRedirect = false,
            UseCookies = false,
            ConnectTimeout = Patience,
            PooledConnectionLifetime = TimeSpan.FromMinutes(5),
            // No trace headers to strangers.
            ActivityHeadersPropagator = null,
        })
    {
        Timeout = Patience,
        MaxResponseContentBufferSize = LargestAnswer,
        DefaultRequestHeaders = { UserAgent = { new ProductInfoHeaderValue("Modular", "1.0") }, Accept = { new("application/json") } },
    };

    public void Dispose() => client.Dispose();

    public Task<JsonElement> Get(Uri url, string? accessToken, CancellationToken ct)
    {
        var request = new HttpRequestMessage(HttpMethod.Get, url);
        if (accessToken is not null)
            request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", accessToken);
        return Send(request, ct);
    }

    public Task<JsonElement> Post(Uri url, IEnumerable<KeyValuePair<string, string>> form, AuthenticationHeaderValue? client, CancellationToken ct)
    {
        var request = new HttpRequestMessage(HttpMethod.Post, url) { Content = new FormUrlEncodedContent(form) };
        request.Headers.Authorization = client;
        return Send(request, ct);
    }

    private async Task<JsonElement> Send(HttpRequestMessage request, CancellationToken ct)
    {
        var what = $"{request.Method} {request.RequestUri!.GetLeftPart(UriPartial.Path)}";
        try
        {
            using (request)
            {
                using var response = await client.SendAsync(request, ct);
                var body = await response.Content.ReadAsByteArrayAsync(ct);
                return Read(what, response.StatusCode, body);
            }
        }
        catch (OperationCanceledException) when (!ct.IsCancellationRequested)
        {
            throw new ProviderException($"{what} did not answer within {Patience.TotalSeconds} s.");
        }
        catch (Exception failure) when (failure is HttpRequestException or IOException)
        {
            throw new ProviderException($"{what} failed: {failure.Message}", failure);
        }
    }

    private static JsonElement Read(string what, HttpStatusCode status, byte[] body)
    {
        var json = Parse(body);
        if (status != HttpStatusCode.OK)
        {
            var error = json is { ValueKind: JsonValueKind.Object } answer && answer.Text("error") is { Length: <= 100 } code ? code : null;
            throw new ProviderException($"{what} answered {(int)status} {error}".TrimEnd() + ".");
        }

        return json ?? throw new ProviderException($"{what} answered something else than JSON.");
    }

    private static JsonElement? Parse(byte[] body)
    {
        try
        {
            return JsonElement.Parse(body);
        }
        catch (JsonException)
        {
            return null;
        }
    }
}

/// <summary>Members of a stranger's JSON, whose types cannot be counted on.</summary>
internal static class ForeignJson
{
    /// <summary>A text that is there and not empty.</summary>
    public static string? Text(this JsonElement element, string name) =>
        element.ValueKind == JsonValueKind.Object && element.TryGetProperty(name, out var member) && member.ValueKind == JsonValueKind.String
            && Readable(member) is { Length: > 0 } text
            ? text
            : null;

    /// <summary>An array of texts, or one text alone; whatever else is empty.</summary>
    public static IReadOnlyList<string> Texts(this JsonElement element, string name)
    {
        if (element.Text(name) is { } single)
            return [single];
        return element.ValueKind == JsonValueKind.Object && element.TryGetProperty(name, out var member) && member.ValueKind == JsonValueKind.Array
            ? [.. member.EnumerateArray().Where(item => item.ValueKind == JsonValueKind.String).Select(Readable).OfType<string>()]
            : [];
    }

    /// <summary>A number of seconds, also where it is written as text.</summary>
    public static double? Seconds(this JsonElement element, string name)
    {
        if (element.ValueKind != JsonValueKind.Object || !element.TryGetProperty(name, out var member))
            return null;
        var seconds = member.ValueKind switch
        {
            JsonValueKind.Number => member.TryGetDouble(out var number) ? number : double.NaN,
            JsonValueKind.String when double.TryParse(Readable(member), System.Globalization.CultureInfo.InvariantCulture, out var number) => number,
            _ => double.NaN,
        };
        return double.IsFinite(seconds) ? seconds : null;
    }

    /// <summary>True, also where it is written as text.</summary>
    public static bool IsTrue(this JsonElement element, string name) =>
        element.ValueKind == JsonValueKind.Object && element.TryGetProperty(name, out var member)
            && (member.ValueKind == JsonValueKind.True || (member.ValueKind == JsonValueKind.String && member.ValueEquals("true")));

    // Halves of surrogate pairs cannot be made a string, and NUL cannot be stored.
    private static string? Readable(JsonElement text)
    {
        try
        {
            return text.GetString() is { } read && !read.Contains('\0') ? read : null;
        }
        catch (InvalidOperationException)
        {
            return null;
        }
    }
}
