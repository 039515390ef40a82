using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;

namespace Modular.Drills;

/// <summary>A request in its parts, so that it can be made smaller while it still shows what it shows.</summary>
/// <param name="Raw">Bytes that are no request; the other parts are not used.</param>
internal sealed record FuzzRequest(string Method, string Target, IReadOnlyList<(string Name, string Value)> Headers, byte[]? Body, byte[]? Raw = null)
{
    /// <summary>Latin-1: each character of a header or target is one byte.</summary>
    public byte[] Bytes()
    {
        if (Raw is not null)
            return Raw;
        var head = new StringBuilder($"{Method} {Target} HTTP/1.1\r\n");
        foreach (var (name, value) in Headers)
            head.Append(CultureInfo.InvariantCulture, $"{name}: {value}\r\n");
        if (Body is not null)
            head.Append(CultureInfo.InvariantCulture, $"Content-Length: {Body.Length}\r\n");
        return [.. Encoding.Latin1.GetBytes(head.Append("\r\n").ToString()), .. Body ?? []];
    }

    public bool IsHead => Raw is null && Method == "HEAD";
}

/// <summary>An operation that the API describes.</summary>
/// <param name="Body">The schema of its JSON body.</param>
internal sealed record Operation(string Method, string Path, JsonNode? Body, IReadOnlyList<string> Query);

/// <summary>Who is signed in while the drill runs.</summary>
/// <param name="Cookie">Name and value, as in a Cookie header.</param>
internal sealed record Live(string Email, string Cookie, string Token, string UserId);

/// <summary>Makes requests, each from its number alone: the same seed makes the same ones.</summary>
internal sealed class FuzzRequests(IReadOnlyList<Operation> operations, JsonNode schemas, string secret, string origin, int seed)
{
    private static readonly string[] Methods = ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "TRACE", "FOO", "get"];

    private static readonly string[] ContentTypes =
    [
        "application/json", "application/json; charset=utf-8", "application/json; charset=utf-16", "application/json;", "APPLICATION/JSON",
        "application/problem+json", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "multipart/form-data", "text/plain", "text/xml",
        "application/octet-stream", "application/json, text/plain", "*/*", "/", ";", "x", "application/json; charset=\"", "\u00ff\u00fe",
    ];

    private static readonly string[] Texts =
    [
        "", " ", "a", "null", "true", "0", "-1", "1e999", "\0", "a\0b", "\ud800", "\udfff\ud800", "\uffff", "\u202e", "\u0130", "\u00df", "\ufeff", "\r\n\r\nX: y",
        "'; drop table x; --", "\" or 1=1", "%s%n", "%00", "../../../../etc/passwd", "{{7*7}}", "${jndi:ldap://x}", "<script>alert(1)</script>", "javascript:alert(1)",
        "//evil.example", "/\\evil.example", "/%2fevil", "http://localhost", "https://evil.example/", "/ok", "/ok?x=1#y", "myapp://x", "a@b", "a@b.cd", "\u00e4@example.com",
        "2026-01-01T00:00:00Z", "9999-99-99", "00000000000000000000000000000000", "en-US", "Infinity", "NaN", "\\u0000", "\x1b[31m", "\u0000\u0001\u0002",
    ];

    private static readonly string[] HeaderNames =
    [
        "Origin", "Referer", "Host", "X-Forwarded-For", "X-Forwarded-Proto", "X-Forwarded-Host", "Authorization", "X-Organization-ID", "X-Tenant-ID", "If-Match",
        "If-None-Match", "Range", "Accept", "Accept-Encoding", "Accept-Language", "Content-Encoding", "Content-MD5", "Expect", "Upgrade", "X-HTTP-Method-Override",
        "Sec-Fetch-Site", "Sec-Fetch-Mode", "Sec-Fetch-Dest", "Access-Control-Request-Method", "traceparent", "tracestate", "baggage", "Request-Id", "X-Request-Id",
        "User-Agent", "Cache-Control", "Last-Event-ID", "x-api-key", "X-CSRF", "Cookie2", "Date", "Max-Forwards", "From", "Via", "X-" + "Long",
    ];

    private static readonly string[] CookieNames =
    [
        "better-auth.session_token", "__Secure-better-auth.session_token", "better-auth.dont_remember", "better-auth.session_data", "better-auth.state",
        "better-auth.two_factor", "better-auth-session_token", "x", "", " ", "better-auth.session_token ",
    ];

    public FuzzRequest Make(int number, IReadOnlyList<Live> people)
    {
        var random = new Random(unchecked((seed * 486_187_739) + number));
        // The connections of all workers come from one address; most requests have one of their own behind a proxy that is believed.
        var address = $"{random.Next(1, 224)}.{random.Next(256)}.{random.Next(256)}.{random.Next(1, 255)}";
        if (random.Next(40) == 0)
            return Malformed(random);
        var operation = operations[random.Next(operations.Count)];
        var person = random.Next(2) == 0 ? people[random.Next(people.Count)] : null;
        var method = random.Next(12) == 0 ? Pick(random, Methods) : operation.Method;
        var headers = new List<(string Name, string Value)> { ("Host", origin["http://".Length..]) };
        if (random.Next(20) > 0)
            headers.Add(("X-Forwarded-For", address));
        if (random.Next(5) > 0)
            headers.Add(("Origin", origin));
        if (Cookies(random, person) is { } cookies)
            headers.Add(("Cookie", cookies));
        for (var odd = random.Next(6) == 0 ? random.Next(1, 6) : 0; odd > 0; odd--)
            headers.Add((Pick(random, HeaderNames), HeaderValue(random)));
        var hasBody = method is not ("GET" or "HEAD") || random.Next(15) == 0;
        var body = hasBody ? Body(random, operation, person) : null;
        if (body is not null && random.Next(25) > 0)
            headers.Add(("Content-Type", random.Next(8) == 0 ? Pick(random, ContentTypes) : "application/json"));
        return new FuzzRequest(method, Path(random, operation) + Query(random, operation), headers, body);
    }

    private static T Pick<T>(Random random, T[] from) => from[random.Next(from.Length)];

    private static string Path(Random random, Operation operation)
    {
        var path = operation.Path;
        while (path.IndexOf('{', StringComparison.Ordinal) is >= 0 and var at)
        {
            var end = path.IndexOf('}', at);
            path = path[..at] + Uri.EscapeDataString(Safe(random.Next(3) == 0 ? Pick(random, Texts) : Convert.ToHexStringLower(Bytes(random, 16)))) + path[(end + 1)..];
        }

        return random.Next(10) > 0 ? path : random.Next(14) switch
        {
            0 => path + "/",
            1 => path.Replace("/", "//", StringComparison.Ordinal),
            2 => path.ToUpperInvariant(),
            3 => path + "/../" + path.Split('/')[^1],
            4 => path + "%00",
            5 => path + "%2f",
            6 => path + "/%2e%2e/%2e%2e/etc/passwd",
            7 => path[..^1],
            8 => path + new string('a', random.Next(1, 6_000)),
            9 => path + "%",
            10 => path + "%ff%fe",
            11 => path + ";x=1",
            12 => "/" + Convert.ToHexStringLower(Bytes(random, 8)),
            _ => path + "/" + Uri.EscapeDataString(Safe(Pick(random, Texts))),
        };
    }

    private static string Query(Random random, Operation operation)
    {
        var parts = operation.Query.Where(_ => random.Next(3) > 0)
            .Select(name => $"{name}={Uri.EscapeDataString(Safe(random.Next(2) == 0 ? Pick(random, Texts) : Number(random)))}").ToList();
        if (random.Next(15) == 0)
            parts.Add(random.Next(9) switch
            {
                0 => "%",
                1 => "%zz=%",
                2 => "=",
                3 => "&&&==&",
                4 => "callbackURL=%ff",
                5 => string.Join('&', Enumerable.Repeat("a=1", random.Next(2_000))),
                6 => "a[]=1&a[b]=2&a.b=3",
                7 => "callbackURL=/a&callbackURL=//b",
                _ => new string('q', random.Next(1, 6_000)),
            });
        return parts.Count == 0 ? "" : "?" + string.Join('&', parts);
    }

    private static string Number(Random random) => random.Next(6) switch
    {
        0 => "9223372036854775807",
        1 => "9223372036854775808",
        2 => "-1",
        3 => "1.5",
        4 => "0",
        _ => random.Next().ToString(CultureInfo.InvariantCulture),
    };

    private string? Cookies(Random random, Live? person) => random.Next(12) switch
    {
        < 6 => person?.Cookie,
        6 => $"{Pick(random, CookieNames)}={Signed(Convert.ToHexStringLower(Bytes(random, 16)))}",
        7 => $"{Pick(random, CookieNames)}={Signed(Safe(Pick(random, Texts)))}",
        8 => person is null ? "better-auth.session_token=x.y" : person.Cookie[..random.Next(person.Cookie.Length)],
        9 => person is null ? "a=b; a=c" : $"{person.Cookie}; {person.Cookie}x; better-auth.dont_remember={Signed("true")}",
        10 => random.Next(4) switch
        {
            0 => new string('c', random.Next(12_000)),
            1 => ";;;=;=",
            2 => "better-auth.session_token=%ff%fe%00",
            _ => "\u00fc=\u00ff; \"",
        },
        _ => null,
    };

    // As the contract signs it: a signature that is right over a token that nobody was given.
    private string Signed(string value) => Uri.EscapeDataString(
        $"{value}.{Convert.ToBase64String(HMACSHA256.HashData(Encoding.UTF8.GetBytes(secret), Encoding.UTF8.GetBytes(value)))}");

    private string HeaderValue(Random random) => random.Next(8) switch
    {
        0 => "",
        1 => new string('h', random.Next(1, 10_000)),
        2 => "\u00e4\u00f6\u00ff",
        3 => "Bearer " + Signed(Convert.ToHexStringLower(Bytes(random, 16))),
        4 => Number(random),
        5 => "null",
        6 => "bytes=0-, 5-1, -",
        _ => OneLine(Pick(random, Texts)),
    };

    private byte[] Body(Random random, Operation operation, Live? person)
    {
        switch (random.Next(30))
        {
            case 0: return [];
            case 1: return Bytes(random, random.Next(1, 400));
            case 2: return Encoding.UTF8.GetBytes(new string('[', random.Next(1, 20_000)));
            case 3: return Encoding.UTF8.GetBytes(string.Concat(Enumerable.Repeat("{\"a\":", random.Next(1, 2_000))) + "1" + new string('}', random.Next(0, 2_000)));
            case 4: return Encoding.Unicode.GetBytes("{\"email\":\"a@b.cd\"}");
            case 5: return [0xEF, 0xBB, 0xBF, .. "{}"u8];
            case 6: return Encoding.UTF8.GetBytes(Pick(random, ["null", "true", "1", "\"x\"", "[]", "[{}]", "{", "}", "{\"a\"}", "{\"a\":}", "{a:1}", "1e999", "-", "NaN", "// x\n{}", "{\"a\":1,}"]));
            case 7 when random.Next(20) == 0: return Encoding.UTF8.GetBytes("{\"name\":\"" + new string('n', 1024 * 1024 * (random.Next(3) + 1) / 2) + "\"}");
            case 8: return Encoding.UTF8.GetBytes("email=a%40b.cd&password=%00%ff&rememberMe=true&email=x" + (random.Next(2) == 0 ? "&" : "%"));
        }

        var body = Value(random, operation.Body, person) as JsonObject ?? [];
        // Most members are as described; the others are anything.
        foreach (var name in body.Select(member => member.Key).ToList())
        {
            if (random.Next(6) == 0)
                body[name] = Anything(random, 4);
            else if (random.Next(15) == 0)
                body.Remove(name);
        }

        if (random.Next(6) == 0)
            body[Pick(random, ["__proto__", "constructor", "id", "role", "banned", "emailVerified", "callbackURL", "redirectTo", "errorCallbackURL", "newUserCallbackURL", "", "\0", "$ref", "token", "image"])] = Anything(random, 4);
        var bytes = Encoding.UTF8.GetBytes(Unpaired(body.ToJsonString()));
        return random.Next(12) switch
        {
            0 => bytes[..random.Next(bytes.Length)],
            1 => Corrupt(random, bytes),
            2 => [.. bytes, .. bytes],
            _ => bytes,
        };
    }

    private JsonNode? Value(Random random, JsonNode? schema, Live? person)
    {
        schema = Resolve(schema);
        if (schema?["enum"] is JsonArray options && options.Count > 0)
            return Pick(random, [.. options])?.DeepClone();
        var type = schema?["type"] is JsonArray types ? types.Select(name => (string)name!).FirstOrDefault(name => name != "null") : (string?)schema?["type"];
        return type switch
        {
            "object" or null when schema?["properties"] is JsonObject members => new JsonObject(members
                .Where(_ => random.Next(8) > 0)
                .Select(member => KeyValuePair.Create(member.Key, Member(random, member.Key, member.Value, person)))),
            "boolean" => random.Next(2) == 0,
            "integer" or "number" => random.Next(-5, 100_000),
            "array" => new JsonArray([.. Enumerable.Range(0, random.Next(4)).Select(_ => Value(random, schema?["items"], person))]),
            "string" => Word(random),
            _ => Anything(random, 3),
        };
    }

    private JsonNode? Member(Random random, string name, JsonNode? schema, Live? person) => name switch
    {
        "email" or "newEmail" => (random.Next(3), person) switch
        {
            (0, { Email: var email }) => email,
            (1, _) => $"{Convert.ToHexStringLower(Bytes(random, 6))}@example.com",
            _ => Value(random, schema, person),
        },
        // Hashing takes a tenth of a second: most of these are turned away before.
        "password" or "newPassword" or "currentPassword" when random.Next(8) > 0 => Pick(random, ["short", new string('p', 129), "password"]),
        "token" when person is not null && random.Next(3) == 0 => person.Token,
        "callbackURL" or "redirectTo" when random.Next(2) == 0 => "/after",
        _ => Value(random, schema, person),
    };

    private JsonNode? Resolve(JsonNode? schema)
    {
        while ((schema?["oneOf"] ?? schema?["anyOf"]) is JsonArray several)
            schema = several.LastOrDefault();
        return (string?)schema?["$ref"] is { } reference ? schemas[reference.Split('/')[^1]] : schema;
    }

    private static string Word(Random random) => random.Next(3) == 0 ? Safe(Pick(random, Texts)) : Convert.ToHexStringLower(Bytes(random, random.Next(1, 30)));

    private static JsonNode? Anything(Random random, int depth) => random.Next(depth > 0 ? 12 : 8) switch
    {
        0 => null,
        1 => random.Next(2) == 0,
        2 => random.Next(),
        3 => double.MaxValue,
        4 => JsonNode.Parse("123456789012345678901234567890.5e-30"),
        5 => Marked(Pick(random, Texts)),
        6 => new string('x', random.Next(20_000)),
        7 => Safe(Pick(random, Texts)),
        8 => new JsonArray([.. Enumerable.Range(0, random.Next(5)).Select(_ => Anything(random, depth - 1))]),
        9 => new JsonObject(Enumerable.Range(0, random.Next(5)).Select(at => KeyValuePair.Create($"k{at}", Anything(random, depth - 1)))),
        10 => JsonNode.Parse(new string('[', 60) + new string(']', 60)),
        _ => new JsonObject { ["toString"] = "x", ["length"] = -1 },
    };

    private static byte[] Corrupt(Random random, byte[] bytes)
    {
        var corrupted = bytes.ToArray();
        for (var times = random.Next(1, 5); times > 0 && corrupted.Length > 0; times--)
            corrupted[random.Next(corrupted.Length)] = (byte)random.Next(256);
        return corrupted;
    }

    private FuzzRequest Malformed(Random random)
    {
        var host = origin["http://".Length..];
        string[] heads =
        [
            "", "\r\n", "\r\n\r\n", "GET\r\n\r\n", "GET / HTTP/9.9\r\n\r\n", "GET  /api/auth/ok  HTTP/1.1\r\n\r\n", "GET /api/auth/ok HTTP/1.1\r\n\r\n",
            $"GET http://{host}/api/auth/ok HTTP/1.1\r\nHost: {host}\r\n\r\n", $"GET /api/auth/ok HTTP/1.1\r\nHost: {host}\r\nHost: evil.example\r\n\r\n",
            $"GET /api/auth/ok HTTP/1.1\r\nHost: {host}\r\nX\r\n\r\n", $"GET /api/auth/ok HTTP/1.1\r\nHost: {host}\r\n X: folded\r\n\r\n",
            $"GET /api/auth/ok HTTP/1.1\r\nHost: {host}\r\nX: a\0b\r\n\r\n", $"GET /api/auth/ok\0 HTTP/1.1\r\nHost: {host}\r\n\r\n",
            $"POST /api/auth/sign-in/email HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/json\r\nContent-Length: 10\r\n\r\n{{}}",
            $"POST /api/auth/sign-in/email HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/json\r\nContent-Length: -1\r\n\r\n{{}}",
            $"POST /api/auth/sign-in/email HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/json\r\nContent-Length: 99999999999999\r\n\r\n{{}}",
            $"POST /api/auth/sign-in/email HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/json\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n{{}}",
            $"POST /api/auth/sign-in/email HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n{{}}\r\n0\r\n\r\n",
            $"POST /api/auth/sign-in/email HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{{}}\r\n0\r\n\r\n",
            $"POST /api/auth/sign-out HTTP/1.1\r\nHost: {host}\r\nTransfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n0\r\n\r\nGET /x HTTP/1.1\r\n\r\n",
            $"POST /api/auth/sign-in/email HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/json\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n{{}}",
            $"GET /{new string('a', 20_000)} HTTP/1.1\r\nHost: {host}\r\n\r\n",
            $"GET /api/auth/ok HTTP/1.1\r\nHost: {host}\r\n{string.Concat(Enumerable.Range(0, 200).Select(at => $"X-{at}: y\r\n"))}\r\n",
            $"GET /api/auth/ok HTTP/1.1\r\nHost: {host}\r\nX: {new string('x', 40_000)}\r\n\r\n",
            $"GET /api/auth/ok HTTP/1.0\r\n\r\n", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n", "CONNECT evil.example:443 HTTP/1.1\r\nHost: x\r\n\r\n",
            $"GET /api/auth/ok HTTP/1.1\r\nHost: {host}\r\nConnection: Upgrade\r\nUpgrade: h2c, websocket\r\nSec-WebSocket-Key: x\r\n\r\n",
            $"GET /api/auth/ok HTTP/1.1\r\nHost: \u00e4\u00ff\r\n\r\n", $"GET /api/auth/ok HTTP/1.1\r\nHost: a b\r\n\r\n", $"GET /api/auth/\u00e4 HTTP/1.1\r\nHost: {host}\r\n\r\n",
        ];
        var bytes = random.Next(8) == 0 ? Bytes(random, random.Next(1, 300)) : Encoding.Latin1.GetBytes(Pick(random, heads));
        return new FuzzRequest("", "", [], null, random.Next(5) == 0 ? Corrupt(random, bytes) : bytes);
    }

    private static byte[] Bytes(Random random, int count)
    {
        var bytes = new byte[count];
        random.NextBytes(bytes);
        return bytes;
    }

    // A lone surrogate has no UTF-8; in JSON it is written out, which Unpaired undoes the marking of.
    private static string Marked(string text) => string.Concat(text.Select(character => char.IsSurrogate(character) ? $"\u0001{(int)character:x4}" : character.ToString()));

    private static string Unpaired(string json) => System.Text.RegularExpressions.Regex.Replace(json, @"\\u0001([0-9a-f]{4})", @"\u$1");

    private static string Safe(string text) => string.Concat(text.Where(character => !char.IsSurrogate(character)));

    private static string OneLine(string text) => string.Concat(text.Where(character => character is >= ' ' and <= '\u00ff'));
}
