using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using System.Net.Http.Json;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;

namespace Modular.Drills;

/// <summary>
/// Sends requests that no client would send, and expects an answer that gives nothing away: no 5xx, nothing that takes
/// longer than ten seconds, no stack trace, no name of a type or a source file, nobody else's token.
/// </summary>
internal sealed partial class FuzzDrill(DrillHost host, int requests, int seed)
{
    private const int Workers = 4;
    private const int MostFailures = 20;
    private const int LookAfterPeopleEvery = 250;
    private const int People = 4;

    private const string Slow = "no answer within ten seconds";

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    private readonly Uri _url = new(host.Url);
    private readonly ConcurrentDictionary<int, int> _statuses = new();
    private readonly ConcurrentQueue<Failure> _failures = new();
    private readonly ConcurrentDictionary<string, Live> _everybody = new();
    private volatile Live[] _people = [];
    private long _slowest;

    /// <summary>What went wrong, and the request that shows it.</summary>
    internal sealed record Failure(int Number, string Problem, FuzzRequest Request);

    public async Task<bool> Run(TextWriter output)
    {
        var clock = Stopwatch.StartNew();
        using var client = new HttpClient(new SocketsHttpHandler { UseCookies = false }) { BaseAddress = _url };
        var description = JsonNode.Parse(await client.GetStringAsync("/openapi/v1.json"))!;
        var operations = Operations(description);
        output.WriteLine($"{operations.Count} operations described");
        _people = await SignUp(client, People);
        var made = new FuzzRequests(operations, description["components"]?["schemas"] ?? new JsonObject(), host.Secret, host.Url, seed);

        var next = -1;
        await Task.WhenAll(Enumerable.Range(0, Workers).Select(async _ =>
        {
            using var http = new RawHttp(_url.Host, _url.Port);
            for (var number = Interlocked.Increment(ref next); number < requests && _failures.Count < MostFailures; number = Interlocked.Increment(ref next))
            {
                if (number % LookAfterPeopleEvery == 0)
                    await LookAfterPeople(client);
                var request = made.Make(number, _people);
                if (await Problem(http, request, count: true) is { } problem)
                    _failures.Enqueue(new Failure(number, problem, await Smaller(http, request, problem)));
                if (number % 10_000 == 0)
                    Console.Error.WriteLine($"{number} sent, {_failures.Count} failures");
            }
        }));

        var alive = await client.GetAsync("/api/auth/ok");
        var stillSignedIn = 0;
        foreach (var person in _people)
            stillSignedIn += await IsSignedIn(client, person) ? 1 : 0;
        Report(output, clock.Elapsed, (int)alive.StatusCode, stillSignedIn);
        return _failures.IsEmpty && alive.IsSuccessStatusCode && !host.Faults.Any();
    }

    private void Report(TextWriter output, TimeSpan took, int alive, int stillSignedIn)
    {
        output.WriteLine($"{_statuses.Values.Sum()} answers in {took.TotalSeconds:0} s, the slowest after {_slowest} ms; then /api/auth/ok: {alive}, {stillSignedIn} of {_people.Length} still signed in");
        foreach (var (status, count) in _statuses.OrderBy(pair => pair.Key))
            output.WriteLine($"  {(status == 0 ? "closed" : status.ToString(CultureInfo.InvariantCulture))}: {count}");
        output.WriteLine($"{_failures.Count} failures");
        foreach (var failure in _failures)
        {
            var bytes = failure.Request.Bytes();
            var shown = Encoding.Latin1.GetString(bytes, 0, Math.Min(bytes.Length, 1_500));
            output.WriteLine($"#{failure.Number}: {failure.Problem}\n{JsonSerializer.Serialize(shown)}{(bytes.Length > 1_500 ? $" … {bytes.Length} bytes" : "")}\n");
        }

        foreach (var line in host.Faults.Distinct().Take(20))
            output.WriteLine($"logged: {line}");
        foreach (var (line, at) in host.Log.Select((line, at) => (line, at)).Where(entry => entry.line.StartsWith("fail:", StringComparison.Ordinal)).Take(3))
            output.WriteLine(string.Join('\n', host.Log.Skip(at).Take(12)));
    }

    /// <summary>Sends it and says what is wrong with the answer; null: nothing.</summary>
    private async Task<string?> Problem(RawHttp http, FuzzRequest request, bool count)
    {
        var clock = Stopwatch.StartNew();
        RawAnswer answer;
        using var patience = new CancellationTokenSource(Patience);
        try
        {
            answer = await http.Send(request.Bytes(), request.IsHead, ends: request.Raw is not null, patience.Token);
        }
        catch (OperationCanceledException)
        {
            http.Close();
            return Slow;
        }

        if (count)
        {
            _statuses.AddOrUpdate(answer.Status, 1, (_, before) => before + 1);
            InterlockedMax(ref _slowest, clock.ElapsedMilliseconds);
        }

        return Wrong(request, answer);
    }

    private string? Wrong(FuzzRequest request, RawAnswer answer)
    {
        // Bytes that are no request may be answered by closing; a request may not.
        if (answer.Status == 0)
            return request.Raw is null ? $"no answer: {answer.Text}" : null;
        var all = answer.Head + "\n\n" + answer.Text;
        // The version of the protocol is refused with a 505, by the web server itself.
        if (request.Raw is not null && answer.Status == 505)
            return null;
        if (answer.Status >= 500 && !(answer.Status == 503 && answer.Text.Contains("Too many sign-ins at this moment", StringComparison.Ordinal)))
            return $"status {answer.Status}: {answer.Text}";
        if (all.Contains(host.Secret, StringComparison.Ordinal))
            return "Auth:Secret";
        var sent = request.Raw is null ? string.Join('\n', request.Headers.Select(header => header.Value)) + Encoding.Latin1.GetString(request.Body ?? []) : "";
        if (_everybody.Values.FirstOrDefault(person => all.Contains(person.Token, StringComparison.Ordinal) && !sent.Contains(person.Token, StringComparison.Ordinal)) is { } other)
            return $"the token of {other.Email}";
        // The description of the API speaks of our code on purpose.
        var isDescription = request.Target.StartsWith("/openapi", StringComparison.OrdinalIgnoreCase) || request.Target.StartsWith("/docs", StringComparison.OrdinalIgnoreCase);
        return !isDescription && Leak().Match(all) is { Success: true } leak ? $"'{leak.Value}' in the answer {answer.Status}" : null;
    }

    /// <summary>Leaves out whatever is not needed to see the same.</summary>
    private async Task<FuzzRequest> Smaller(RawHttp http, FuzzRequest request, string problem)
    {
        async Task<bool> Shows(FuzzRequest candidate) =>
            await Problem(http, candidate, count: false) is { } other && other[..Math.Min(10, other.Length)] == problem[..Math.Min(10, problem.Length)];

        // Each try would take ten seconds.
        if (request.Raw is not null || problem == Slow)
            return request;
        foreach (var header in request.Headers.Where(header => header.Name != "Host").ToList())
        {
            var without = request with { Headers = [.. request.Headers.Where(kept => kept != header)] };
            if (await Shows(without))
                request = without;
        }

        if (request.Target.Split('?') is [var path, _, ..] && await Shows(request with { Target = path }))
            request = request with { Target = path };
        if (request.Body is not null && await Shows(request with { Body = null }))
            return request with { Body = null };
        while (request.Body is { Length: > 1 } body && await Shows(request with { Body = body[..(body.Length / 2)] }))
            request = request with { Body = body[..(body.Length / 2)] };
        return request;
    }

    /// <summary>Requests sign people out, and delete them: somebody else takes their place.</summary>
    private async Task LookAfterPeople(HttpClient client)
    {
        var signedIn = new List<Live>();
        foreach (var person in _people)
        {
            if (await IsSignedIn(client, person))
                signedIn.Add(person);
        }

        _people = [.. signedIn, .. await SignUp(client, People - signedIn.Count)];
    }

    private async Task<Live[]> SignUp(HttpClient client, int count)
    {
        var people = new List<Live>();
        while (people.Count < count)
        {
            var email = $"{Guid.NewGuid():N}@example.com";
            using var request = new HttpRequestMessage(HttpMethod.Post, "/api/auth/sign-up/email")
            {
                Content = JsonContent.Create(new { name = "Ada", email, password = "correct-horse-1" }),
                // Limited like everybody's.
                Headers = { { "X-Forwarded-For", $"10.{Random.Shared.Next(256)}.{Random.Shared.Next(256)}.{Random.Shared.Next(256)}" } },
            };
            using var response = await client.SendAsync(request);
            response.EnsureSuccessStatusCode();
            var answer = (await response.Content.ReadFromJsonAsync<JsonNode>())!;
            var person = new Live(
                email, response.Headers.GetValues("Set-Cookie").First().Split(';')[0], (string)answer["token"]!, (string)answer["user"]!["id"]!);
            _everybody[person.Token] = person;
            people.Add(person);
        }

        return [.. people];
    }

    private static async Task<bool> IsSignedIn(HttpClient client, Live person)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, "/api/auth/get-session") { Headers = { { "Cookie", person.Cookie } } };
        using var response = await client.SendAsync(request);
        return await response.Content.ReadAsStringAsync() != "null";
    }

    private static List<Operation> Operations(JsonNode description) =>
    [
        .. from path in description["paths"]!.AsObject()
           from operation in path.Value!.AsObject()
           let query = (operation.Value!["parameters"]?.AsArray() ?? []).Where(parameter => (string?)parameter!["in"] == "query")
           let body = operation.Value["requestBody"]?["content"]?["application/json"]?["schema"]
           select new Operation(operation.Key.ToUpperInvariant(), path.Key, body, [.. query.Select(parameter => (string)parameter!["name"]!)]),
    ];

    private static void InterlockedMax(ref long target, long value)
    {
        var known = Interlocked.Read(ref target);
        while (value > known)
            known = Interlocked.CompareExchange(ref target, value, known) is var found && found == known ? value : found;
    }

    // A frame of a stack trace, a type of ours or of what we stand on, a source file, the database's own words.
    [GeneratedRegex(@"\n\s+at [\w.<>`]+\(|\bModular\.[A-Z]\w+|\bNpgsql|\bSystem\.[A-Z]\w+|\bMicrosoft\.[A-Z]\w+|Exception\b|\.cs\b|/src/|/work/|mt_doc_|mt_events|SQLSTATE|\bpg_\w+|password=|Host=127")]
    private static partial Regex Leak();
}
