using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text;
using Xunit;

namespace Modular.Testing;

/// <summary>One request and what is expected of its answer; the names are Alba's.</summary>
public sealed class Scenario : IDisposable
{
    private static readonly HttpClient Client = new(new SocketsHttpHandler { UseCookies = false, AllowAutoRedirect = false });

    private readonly HttpRequestMessage _request = new();
    private readonly List<Action<ScenarioResult>> _expectations = [];
    private readonly string _url;
    private int? _status = 200;

    internal Scenario(string url) => _url = url;

    public UrlExpression Get => new(this, HttpMethod.Get);

    public UrlExpression Post => new(this, HttpMethod.Post);

    public UrlExpression Put => new(this, HttpMethod.Put);

    public UrlExpression Delete => new(this, HttpMethod.Delete);

    public UrlExpression Head => new(this, HttpMethod.Head);

    public UrlExpression Options => new(this, HttpMethod.Options);

    /// <summary>Sends the browser's cookies and Origin.</summary>
    public Scenario As(Browser browser)
    {
        browser.Sign(_request);
        _expectations.Insert(0, result => browser.Keep(result.SetCookies));
        return this;
    }

    public void WithRequestHeader(string headerKey, string value) => _request.Headers.TryAddWithoutValidation(headerKey, value);

    public void StatusCodeShouldBe(int statusCode) => _status = statusCode;

    public void IgnoreStatusCode() => _status = null;

    public void ContentShouldBe(string exactContent) => _expectations.Add(result => Assert.Equal(exactContent, result.Body));

    public void ContentShouldContain(string text) => _expectations.Add(result => Assert.Contains(text, result.Body, StringComparison.Ordinal));

    public void HeaderShouldBe(string name, string? value) => _expectations.Add(result => Assert.Equal(value, result.Header(name)));

    public void Dispose() => _request.Dispose();

    internal async Task<ScenarioResult> Run()
    {
        using var response = await Client.SendAsync(_request);
        var result = new ScenarioResult(response, await response.Content.ReadAsStringAsync());
        if (_status is { } status)
            Assert.True(status == result.Status, $"Expected {status}, got {result.Status}: {result.Body}");
        _expectations.ForEach(expectation => expectation(result));
        return result;
    }

    /// <summary>What is sent, and where to.</summary>
    public sealed class UrlExpression
    {
        private readonly Scenario _scenario;

        internal UrlExpression(Scenario scenario, HttpMethod method)
        {
            _scenario = scenario;
            scenario._request.Method = method;
        }

        public void Url(string relativeUrl) => ToUrl(relativeUrl);

        public void ToUrl(string relativeUrl) => _scenario._request.RequestUri = new Uri(_scenario._url + relativeUrl);

        public UrlExpression Json<T>(T input) => Content(JsonContent.Create(input));

        public UrlExpression RawJson(string input) => Content(new StringContent(input, Encoding.UTF8, "application/json"));

        public UrlExpression Text(string text) => Content(new StringContent(text, Encoding.UTF8, "text/plain"));

        public UrlExpression FormData(Dictionary<string, string> input) => Content(new FormUrlEncodedContent(input));

        public UrlExpression Bytes(byte[] input, string contentType)
        {
            var content = new ByteArrayContent(input);
            content.Headers.ContentType = MediaTypeHeaderValue.Parse(contentType);
            return Content(content);
        }

        private UrlExpression Content(HttpContent content)
        {
            _scenario._request.Content = content;
            return this;
        }
    }
}

/// <summary>A cookie jar and an Origin, as a browser on our own origin has.</summary>
public sealed class Browser(string url)
{
    private readonly Dictionary<string, string> _cookies = [];

    /// <summary>The cookies, as they go over the wire.</summary>
    public IReadOnlyDictionary<string, string> Cookies => _cookies;

    public string CookieHeader => string.Join("; ", _cookies.Select(cookie => $"{cookie.Key}={cookie.Value}"));

    /// <summary>What it sends with every request besides.</summary>
    public IDictionary<string, string> Headers { get; } = new Dictionary<string, string>();

    /// <summary>Puts a cookie into the jar as it is.</summary>
    public void Put(string name, string rawValue) => _cookies[name] = rawValue;

    internal void Sign(HttpRequestMessage request)
    {
        request.Headers.TryAddWithoutValidation("Origin", url);
        foreach (var (name, value) in Headers)
            request.Headers.TryAddWithoutValidation(name, value);
        if (_cookies.Count > 0)
            request.Headers.TryAddWithoutValidation("Cookie", CookieHeader);
    }

    internal void Keep(IEnumerable<string> setCookies)
    {
        foreach (var cookie in setCookies)
        {
            var (name, rest) = (cookie[..cookie.IndexOf('=')], cookie[(cookie.IndexOf('=') + 1)..]);
            var value = rest.Split(';')[0];
            if (rest.Contains("Max-Age=0", StringComparison.OrdinalIgnoreCase))
                _cookies.Remove(name);
            else
                _cookies[name] = value;
        }
    }
}
