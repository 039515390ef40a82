using System.Diagnostics;
using System.Globalization;
using MediatR;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using Modular.Audit.Contracts;
using Modular.Host;
using Modular.Profiles.Contracts;
using Modular.Sessions.Contracts;
using Modular.Store;
using Modular.Testing;
using Npgsql;

namespace Modular.Drills;

/// <summary>
/// What a log of many entries costs: how fast it is sealed, made again and verified, how long a page at its far end takes, how
/// soon an entry can be searched while people sign in, and how much room an entry has. The entries are users of a seed and their
/// profiles; commands and server share this process, and PostgreSQL is the embedded one.
/// </summary>
internal sealed class AuditDrill(int entries, int rate, int seconds)
{
    private const int Chunk = 1000;
    private const int Pages = 300;
    private const string Password = "correct horse battery";

    private readonly List<(string What, string Figure, string Note)> table = [];

    public async Task<bool> Run(TextWriter output)
    {
        await using var database = await TestDatabase.CreateAsync(ownServer: true);
        string[] settings =
        [
            $"--ConnectionStrings:Modular={database.ConnectionString}", "--Auth:Secret=a secret for drills, long enough to be one", "--environment=Development",
            "--Auth:PasswordIterations=1000", "--RateLimiting:Enabled=false", "--Logging:LogLevel:Default=Warning",
        ];
        using var commands = await HostBuilding.BuildForCommand(settings, TextWriter.Null);
        await commands.Services.GetRequiredService<SchemaMigrator>().Apply();
        await Fill(commands.Services);
        await Sql(database, "vacuum analyze; checkpoint");

        bool isWhole;
        await using (var server = await HostBuilding.Build([.. settings, "--urls=http://127.0.0.1:0"]))
        {
            await Seal(server, database);
            await Sql(database, "vacuum analyze");
            isWhole = await Verify(commands.Services) & await Rebuild(commands.Services, database);
            await Search(server, database);
            await Lag(server, database);
            await Room(database);
            await server.StopAsync();
        }

        var widths = (table.Max(row => row.What.Length), table.Max(row => row.Figure.Length));
        foreach (var (what, figure, note) in table)
            output.WriteLine($"{what.PadRight(widths.Item1)}  {figure.PadLeft(widths.Item2)}  {note}".TrimEnd());
        return isWhole;
    }

    private void Row(string what, FormattableString figure, FormattableString note) =>
        table.Add((what, figure.ToString(CultureInfo.InvariantCulture), note.ToString(CultureInfo.InvariantCulture)));

    // Two events a user, by COPY. Nothing seals meanwhile.
    private async Task Fill(IServiceProvider services)
    {
        var watch = Stopwatch.StartNew();
        var (next, users) = (0, entries / 2);
        await Task.WhenAll(Enumerable.Range(0, 2).Select(async _ =>
        {
            for (var from = Interlocked.Add(ref next, Chunk) - Chunk; from < users; from = Interlocked.Add(ref next, Chunk) - Chunk)
            {
                List<SeedFace> faces = [.. Enumerable.Range(from, Math.Min(Chunk, users - from)).Select(n => new SeedFace($"drill-{n:d9}", $"Drill {n}", $"drill-{n}@load.example"))];
                if ((await Send(services, new SeedCrowd(faces, Password))).Problem is { } problem)
                    throw new InvalidOperationException(problem);
            }
        }));
        Row("events appended a second", $"{entries / watch.Elapsed.TotalSeconds:N0}", $"{entries:N0} events of {users:N0} users with account and profile, by COPY, in {watch.Elapsed.TotalSeconds:N0} s");
    }

    private async Task Seal(WebApplication server, TestDatabase database)
    {
        var watch = Stopwatch.StartNew();
        await server.StartAsync();
        while (await Number(database, "select coalesce(max(position) + 1, 0) from audit.search") < entries)
            await Task.Delay(50);
        Row("entries sealed a second", $"{entries / watch.Elapsed.TotalSeconds:N0}", $"log and search, in {watch.Elapsed.TotalSeconds:N0} s");
    }

    private async Task<bool> Verify(IServiceProvider services)
    {
        var watch = Stopwatch.StartNew();
        var found = await Send(services, new VerifyLog());
        Row("entries verified a second", $"{found.Entries / watch.Elapsed.TotalSeconds:N0}", $"{found.Entries:N0} right, first wrong: {found.FirstWrong?.ToString(CultureInfo.InvariantCulture) ?? "none"}");
        return found.FirstWrong is null;
    }

    private async Task<bool> Rebuild(IServiceProvider services, TestDatabase database)
    {
        var watch = Stopwatch.StartNew();
        var log = await Send(services, new RebuildLog());
        var took = watch.Elapsed;
        var copy = await Copy(database, "audit.entries");
        Row("log made again, entries a second", $"{log.Entries / took.TotalSeconds:N0}", $"{took / copy:N1} times the time of a plain COPY of the rows ({copy.TotalSeconds:N1} s); equal: {log.Equal}");

        watch.Restart();
        var search = await Send(services, new RebuildReadModel("audit.search"));
        took = watch.Elapsed;
        copy = await Copy(database, "audit.search");
        Row("search made anew, rows a second", $"{search!.Rows / took.TotalSeconds:N0}", $"{took / copy:N1} times the time of a plain COPY of the rows ({copy.TotalSeconds:N1} s)");
        return log.Equal;
    }

    // Out into a file first, so that only the writing counts; into a table with the same indexes.
    private static async Task<TimeSpan> Copy(TestDatabase database, string rows)
    {
        var file = Path.GetTempFileName();
        await using var connection = new NpgsqlConnection(database.ConnectionString);
        await connection.OpenAsync();
        try
        {
            await using (var source = await connection.BeginRawBinaryCopyAsync($"copy (select * from {rows} order by position) to stdout (format binary)"))
            await using (var into = File.Create(file))
                await source.CopyToAsync(into);
            await Sql(database, $"create table public.drill_copy (like {rows} including all)");
            var watch = Stopwatch.StartNew();
            await using (var from = File.OpenRead(file))
            await using (var target = await connection.BeginRawBinaryCopyAsync("copy public.drill_copy from stdin (format binary)"))
                await from.CopyToAsync(target);
            return watch.Elapsed;
        }
        finally
        {
            File.Delete(file);
            await Sql(database, "drop table if exists public.drill_copy");
        }
    }

    private async Task Search(WebApplication server, TestDatabase database)
    {
        var cookie = await Administrator(server, database);
        using var client = new HttpClient { BaseAddress = new Uri(server.Urls.First()) };
        client.DefaultRequestHeaders.Add("Cookie", cookie);
        var (type, actor, proof) = (new List<double>(), new List<double>(), new List<double>());
        for (var page = 0; page < Pages; page++)
        {
            // The first entries are the last that a page shows.
            type.Add(await Time(client, $"/api/audit/entries?type=profile.opened.1&before={200 + page}&limit=50"));
            actor.Add(await Time(client, $"/api/audit/entries?subject=drill-{page * (entries / 2 / Pages):d9}&limit=50"));
            proof.Add(await Time(client, $"/api/audit/log/proof/inclusion?position={page * (entries / Pages)}&size={entries}"));
        }

        Row("page at the far end, by type, ms", $"{P(type, 0.99):N1}", $"p99 of {Pages} over HTTP; p50 {P(type, 0.5):N1}");
        Row("page of one of all the subjects, ms", $"{P(actor, 0.99):N1}", $"p99 of {Pages}; p50 {P(actor, 0.5):N1}");
        Row("inclusion proof, ms", $"{P(proof, 0.99):N1}", $"p99 of {Pages}, all over the log; p50 {P(proof, 0.5):N1}");
    }

    // Sign-ins as the store sees them: an event, a row, an outbox message each. The hash of a password is not what is measured.
    private async Task Lag(WebApplication server, TestDatabase database)
    {
        using var over = new CancellationTokenSource(TimeSpan.FromSeconds(seconds));
        var (lags, started, watch) = (new List<double>(), 0, Stopwatch.StartNew());
        async Task SignIn(int number)
        {
            for (var due = TimeSpan.FromSeconds(number / (double)rate); due > watch.Elapsed;)
                await Task.Delay(1);
            var session = await Send(server.Services, new StartSession($"drill-{number % (entries / 2):d9}", Remember: true, "password"));
            Interlocked.Increment(ref started);
            if (number % (rate / 20) == 0)
                await Found(database, session.SessionId, lags);
        }

        var next = -1;
        await Task.WhenAll(Enumerable.Range(0, 8).Select(async _ =>
        {
            while (!over.IsCancellationRequested)
                await SignIn(Interlocked.Increment(ref next));
        }));
        Row("from commit to searchable, ms", $"{P(lags, 0.99):N0}", $"p99 of {lags.Count} at {started / watch.Elapsed.TotalSeconds:N0} sign-ins a second (wanted {rate}); p50 {P(lags, 0.5):N0}");
    }

    private static async Task Found(TestDatabase database, string session, List<double> lags)
    {
        var watch = Stopwatch.StartNew();
        while (await Number(database, $"select count(*) from audit.search where stream = '{session}'") == 0)
            await Task.Delay(2);
        lock (lags)
            lags.Add(watch.Elapsed.TotalMilliseconds);
    }

    private async Task Room(TestDatabase database)
    {
        var count = await Number(database, "select max(position) + 1 from audit.search");
        var log = await Number(database, "select sum(pg_total_relation_size(inhrelid)) from pg_inherits where inhparent = 'audit.entries'::regclass");
        var search = await Number(database, "select pg_total_relation_size('audit.search')");
        var schema = await Number(database, "select sum(pg_total_relation_size(oid)) from pg_class where relnamespace = 'audit'::regnamespace and relkind = 'r'");
        var events = await Number(database, """
            select sum(pg_total_relation_size(format('%I.mt_events', name)::regclass)) + sum(pg_total_relation_size(format('%I.mt_streams', name)::regclass)) from store.modules
            """);
        Row("bytes of an entry in the log", $"{log / (double)count:N0}", $"{count:N0} entries");
        Row("bytes of an entry in the search", $"{search / (double)count:N0}", $"with its indexes");
        Row("bytes of an entry in all", $"{schema / (double)count:N0}", $"the whole schema audit; its event in its module takes {events / (double)count:N0} more");
    }

    private static async Task<string> Administrator(WebApplication server, TestDatabase database)
    {
        using var handler = new SocketsHttpHandler { UseCookies = false };
        using var client = new HttpClient(handler) { BaseAddress = new Uri(server.Urls.First()) };
        using var body = new StringContent($$"""{"name":"Root","email":"root@drill.example","password":"{{Password}}"}""", System.Text.Encoding.UTF8, "application/json");
        using var answer = await client.PostAsync("/api/auth/sign-up/email", body);
        answer.EnsureSuccessStatusCode();
        await Sql(database, "update identity.mt_doc_user set role = 'admin', data = jsonb_set(data, '{role}', '\"admin\"') where email = 'root@drill.example'");
        return string.Join("; ", answer.Headers.GetValues("Set-Cookie").Select(cookie => cookie.Split(';')[0]));
    }

    private static async Task<double> Time(HttpClient client, string path)
    {
        var watch = Stopwatch.StartNew();
        using var answer = await client.GetAsync(path);
        var body = await answer.Content.ReadAsStringAsync();
        return answer.IsSuccessStatusCode ? watch.Elapsed.TotalMilliseconds : throw new InvalidOperationException($"{path}: {body}");
    }

    private static double P(List<double> sample, double at) => sample.Count == 0 ? double.NaN : Statistics.Quantile([.. sample.Order()], at);

    private static async Task<T> Send<T>(IServiceProvider services, IRequest<T> request)
    {
        await using var scope = services.CreateAsyncScope();
        return await scope.ServiceProvider.GetRequiredService<IMediator>().Send(request);
    }

    private static async Task<long> Number(TestDatabase database, string sql)
    {
        await using var connection = new NpgsqlConnection(database.ConnectionString);
        await connection.OpenAsync();
        await using var command = new NpgsqlCommand(sql, connection) { CommandTimeout = 0 };
        return Convert.ToInt64(await command.ExecuteScalarAsync(), CultureInfo.InvariantCulture);
    }

    // Each on its own: what vacuums does so outside a transaction.
    private static async Task Sql(TestDatabase database, string statements)
    {
        await using var connection = new NpgsqlConnection(database.ConnectionString);
        await connection.OpenAsync();
        foreach (var sql in statements.Split(';'))
        {
            await using var command = new NpgsqlCommand(sql, connection) { CommandTimeout = 0 };
            await command.ExecuteNonQueryAsync();
        }
    }
}
