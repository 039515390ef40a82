using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using System.Net.Http.Json;
using System.Text.Json;
using System.Text.RegularExpressions;

namespace Modular.Drills;

/// <summary>
/// Whether anybody can tell a known address from an unknown one: by the answer, which has to be the same, or by its time,
/// whose distributions are compared. Classes of a surface are interleaved at random. The first class of a surface is what
/// the others are compared with; the same once more, "again", shows what chance makes of it.
/// </summary>
internal sealed partial class EnumerationDrill(DrillHost host, int samples, int seed) : IDisposable
{
    private const string Password = "correct-horse-1";
    private const int People = 32;

    /// <summary>What an attacker may gain over a coin before the drill fails, where it is no chance either.</summary>
    private const double MostAdvantage = 0.05;
    private const double Chance = 0.001;

    private static readonly double[] Quantiles = [0.05, 0.25, 0.5, 0.75, 0.95];

    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(20);

    private readonly Random _random = new(seed);
    private readonly HttpClient _client = new(new SocketsHttpHandler { UseCookies = false, AllowAutoRedirect = false }) { BaseAddress = new Uri(host.Url) };
    private readonly ConcurrentQueue<string> _registered = new();

    /// <summary>One class of one surface.</summary>
    /// <param name="Address">The next address to ask about.</param>
    internal sealed record Kind(string Name, Func<string> Address)
    {
        public bool IsControl => Name.EndsWith(", again", StringComparison.Ordinal);
    }

    internal sealed record Sample(string Kind, double Milliseconds, string Answer);

    internal sealed record Row(
        string Surface, string Kind, int Samples, bool SameAnswer, double[] Quantiles, Comparison? Against, bool IsControl)
    {
        public bool Tells => !SameAnswer || (!IsControl && Against is { } told && Math.Abs(told.Auc - 0.5) > MostAdvantage
            && Math.Min(told.MannWhitneyP, told.KsP) < Chance);
    }

    public void Dispose() => _client.Dispose();

    public async Task<IReadOnlyList<Row>> Run(Action<string> say)
    {
        var verified = await Register("email_verified = true, data = data || '{\"emailVerified\": true}'");
        var unverified = await Register(null);
        var banned = await Register("email_verified = true, banned = true, data = data || '{\"emailVerified\": true, \"banned\": true}'");
        var passwordless = await Register("email_verified = true, data = data || '{\"emailVerified\": true}'");
        await host.Sql(
            "delete from identity.mt_doc_account where user_id in (select id from identity.mt_doc_user where email = any($1))", passwordless);
        say($"{4 * People} people registered");

        var rows = new List<Row>();
        async Task Add(string surface, int workers, TimeSpan pause, Func<string, Task<Sample>> probe, params Kind[] kinds)
        {
            var clock = Stopwatch.StartNew();
            rows.AddRange(Compare(surface, await Collect(kinds, workers, pause, probe), kinds));
            say($"{surface}: {clock.Elapsed.TotalSeconds:0} s");
        }

        // Hashing takes nearly all the time of these, so as many at once as there are threads for it.
        var workers = Environment.ProcessorCount;
        // These answers wait for the next half second, and can be asked for meanwhile.
        await Add(
            "sign-up/email, verification required", 3 * workers, TimeSpan.Zero, email => Send("sign-up/email", email, new { name = "Ada", email, password = Password }),
            new Kind("free", Fresh), new Kind("taken, verified", Any(verified)), new Kind("taken, unverified", Any(unverified)));
        await Add(
            "sign-in/email, wrong password", workers, TimeSpan.Zero, email => Send("sign-in/email", email, new { email, password = "wrong-wrong-1" }),
            new Kind("known", Any(verified)), new Kind("known, again", Any(verified)), new Kind("unknown", NewAddress),
            new Kind("without password", Any(passwordless)), new Kind("banned", Any(banned)), new Kind("unverified", Any(unverified)));
        // Who has registered above is asked about once, so that each gets a mail.
        await Add(
            "send-verification-email", 1, TimeSpan.Zero, email => Send("send-verification-email", email, new { email }),
            new Kind("unverified", Registered), new Kind("unverified, again", Registered), new Kind("verified", Any(verified)), new Kind("unknown", NewAddress));
        await Add(
            "request-password-reset", 1, TimeSpan.Zero, email => Send("request-password-reset", email, new { email }),
            new Kind("known", Registered), new Kind("known, again", Registered), new Kind("unknown", NewAddress));
        await Add(
            "the request after request-password-reset", 1, Pause, AfterReset,
            new Kind("known", Registered), new Kind("known, again", Registered), new Kind("unknown", NewAddress));
        return rows;
    }

    private static IEnumerable<Row> Compare(string surface, IReadOnlyList<Sample> all, Kind[] kinds)
    {
        double[] TimesOf(Kind kind) => [.. all.Where(sample => sample.Kind == kind.Name).Select(sample => sample.Milliseconds)];
        string[] AnswersOf(Kind kind) => [.. all.Where(sample => sample.Kind == kind.Name).Select(sample => sample.Answer).Distinct().Order(StringComparer.Ordinal)];
        var (first, answers) = (TimesOf(kinds[0]), AnswersOf(kinds[0]));
        for (var at = 0; at < kinds.Length; at++)
        {
            var times = TimesOf(kinds[at]);
            double[] sorted = [.. times.Order()];
            yield return new Row(
                surface, kinds[at].Name, times.Length, AnswersOf(kinds[at]).SequenceEqual(answers) && answers.Length == 1,
                [.. Quantiles.Select(quantile => Statistics.Quantile(sorted, quantile))],
                at == 0 ? null : Statistics.Compare(first, times), kinds[at].IsControl);
        }
    }

    private async Task<IReadOnlyList<Sample>> Collect(Kind[] kinds, int workers, TimeSpan pause, Func<string, Task<Sample>> probe)
    {
        var plan = kinds.SelectMany(kind => Enumerable.Repeat(kind, samples)).ToArray();
        _random.Shuffle(plan);
        // The first requests compile code and open connections.
        foreach (var kind in kinds.Concat(kinds))
            await probe(kind.Address());
        var addresses = new Queue<(Kind Kind, string Address)>(plan.Select(kind => (kind, kind.Address())));
        var taken = new ConcurrentQueue<(Kind Kind, string Address)>(addresses);
        var collected = new ConcurrentBag<Sample>();
        await Task.WhenAll(Enumerable.Range(0, workers).Select(async _ =>
        {
            while (taken.TryDequeue(out var next))
            {
                collected.Add(await probe(next.Address) with { Kind = next.Kind.Name });
                if (pause > TimeSpan.Zero)
                    await Task.Delay(pause);
            }
        }));
        return [.. collected];
    }

    private async Task<Sample> Send<T>(string path, string email, T body)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, $"/api/auth/{path}") { Content = JsonContent.Create(body) };
        var begun = Stopwatch.GetTimestamp();
        using var response = await _client.SendAsync(request);
        var text = await response.Content.ReadAsStringAsync();
        return new Sample("", Stopwatch.GetElapsedTime(begun).TotalMilliseconds, Seen(response, text, email));
    }

    // What is sent in the background might show in what is asked next.
    private async Task<Sample> AfterReset(string email)
    {
        var reset = await Send("request-password-reset", email, new { email });
        var begun = Stopwatch.GetTimestamp();
        using var next = await _client.GetAsync("/api/auth/get-session");
        await next.Content.ReadAsStringAsync();
        return reset with { Milliseconds = Stopwatch.GetElapsedTime(begun).TotalMilliseconds };
    }

    /// <summary>All that a client sees, but for what differs from one answer to the next of the same class.</summary>
    private static string Seen(HttpResponseMessage response, string body, string email)
    {
        var headers = response.Headers.Concat(response.Content.Headers)
            .Where(header => header.Key != "Date")
            .Select(header => $"{header.Key}: {string.Join(',', header.Value)}").Order(StringComparer.Ordinal);
        var masked = Time().Replace(Id().Replace(body.Replace(email, "EMAIL", StringComparison.Ordinal), "ID"), "TIME");
        return $"{(int)response.StatusCode}\n{string.Join('\n', headers)}\n{masked}";
    }

    private async Task<string[]> Register(string? change)
    {
        var people = Enumerable.Range(0, People).Select(_ => NewAddress()).ToArray();
        await Parallel.ForEachAsync(people, async (email, _) =>
        {
            var made = await Send("sign-up/email", email, new { name = "Ada", email, password = Password });
            if (!made.Answer.StartsWith("200\n", StringComparison.Ordinal))
                throw new InvalidOperationException($"Nobody could be registered: {made.Answer}");
        });
        if (change is not null)
            await host.Sql($"update identity.mt_doc_user set {change} where email = any($1)", people);
        return people;
    }

    // All of one length: the length of a request tells what it says.
    private string NewAddress()
    {
        lock (_random)
            return $"{_random.NextInt64():x16}@example.com";
    }

    private string Fresh()
    {
        var address = NewAddress();
        _registered.Enqueue(address);
        return address;
    }

    private string Registered()
    {
        if (!_registered.TryDequeue(out var address))
            throw new InvalidOperationException("Nobody is left who has not been asked about.");
        _registered.Enqueue(address);
        return address;
    }

    private Func<string> Any(string[] addresses) => () =>
    {
        lock (_random)
            return addresses[_random.Next(addresses.Length)];
    };

    [GeneratedRegex(@"\b[0-9a-f]{32}\b")]
    private static partial Regex Id();

    [GeneratedRegex(@"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")]
    private static partial Regex Time();

    public static void Print(IReadOnlyList<Row> rows, TextWriter output)
    {
        output.WriteLine("| surface | class | n | answer | p5 | p25 | median | p75 | p95 ms | KS D (p) | Mann–Whitney p | AUC | AUC of 10 |");
        output.WriteLine("| :-- | :-- | --: | :-- | --: | --: | --: | --: | --: | --: | --: | --: | --: |");
        foreach (var row in rows)
        {
            var against = row.Against is { } c
                ? string.Create(CultureInfo.InvariantCulture, $"{c.Ks:0.000} ({P(c.KsP)}) | {P(c.MannWhitneyP)} | {c.Auc:0.000} | {c.AucOfTen:0.000}")
                : "| | |";
            output.WriteLine(string.Create(
                CultureInfo.InvariantCulture,
                $"| {row.Surface} | {row.Kind} | {row.Samples} | {(row.SameAnswer ? "same" : "DIFFERS")} | {string.Join(" | ", row.Quantiles.Select(q => q.ToString("0.00", CultureInfo.InvariantCulture)))} | {against} |"));
        }
    }

    public static string Json(IReadOnlyList<Row> rows) => JsonSerializer.Serialize(rows, Indented);

    private static readonly JsonSerializerOptions Indented = new(JsonSerializerDefaults.Web) { WriteIndented = true };

    private static string P(double p) => p < 0.001 ? "< 0.001" : p.ToString("0.000", CultureInfo.InvariantCulture);
}
