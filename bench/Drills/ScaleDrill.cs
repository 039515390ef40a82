using System.Diagnostics;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Npgsql;

namespace Modular.Drills;

/// <summary>
/// Whether many sessions cost more than few: throughput of checks that ask the database and of checks from memory,
/// with 10,000 and with a million live sessions; what one takes in memory; and how checks do while half a million that
/// are over are ended. The sessions are copies of one that was started over HTTP, made in the database.
/// </summary>
internal sealed class ScaleDrill(DrillHost host, int few, int many, int expired)
{
    private const int Users = 10_000;
    private const int InUse = 5_000;
    // Later than a refresh would be due.
    private const string Live = "now() + interval '7 hours 50 minutes'";

    private static readonly TimeSpan Time = TimeSpan.FromSeconds(10);

    public async Task<bool> Run(TextWriter output)
    {
        // PostgreSQL's default of 128 MB is for a machine that does something else; a million sessions are 2 GB.
        await Sql("alter system set shared_buffers = '1GB'");
        await host.RestartDatabase(() => Task.CompletedTask);
        NpgsqlConnection.ClearAllPools();
        var device = (await Devices.SignUp(host.Url, 1))[0];
        await Sql("create extension if not exists pgcrypto; alter table sessions.mt_doc_session disable trigger user");
        await CloneUsers(device);
        var cookies = Enumerable.Range(0, InUse).Select(Cookie).ToList();

        await CloneSessions(device, 0, few, Live);
        var (coldFew, warmFew) = (await Cold(few), await Warm(cookies));
        await CloneSessions(device, few, many, Live);
        var (coldMany, warmMany) = (await Cold(many), await Warm(cookies));
        output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"""
            from memory, {InUse} sessions in turn: {warmFew.PerSecond:0} a second with {few} live sessions in the database, {warmMany.PerSecond:0} with {many}: {warmMany.PerSecond / warmFew.PerSecond:0.00}
            from the database, sessions at random: {coldFew.PerSecond:0} a second with {few}, {coldMany.PerSecond:0} with {many}: {coldMany.PerSecond / coldFew.PerSecond:0.00}
            """));
        var bytes = await BytesPerSession();
        output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{bytes:0} bytes of memory per session in the table"));
        var (quiet, busy, took) = await Cleanup(device, cookies);
        output.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"p99 of {quiet.PerSecond:0} checks a second: {quiet.P99:0.00} ms before, {busy.P99:0.00} ms while {expired} expired sessions were ended in {took.TotalSeconds:0} s: {busy.P99 / quiet.P99:0.00}"));
        return new[] { coldFew, coldMany, warmFew, warmMany, quiet, busy }.All(load => load.Checks == load.SignedIn)
            && warmMany.PerSecond >= 0.9 * warmFew.PerSecond && coldMany.PerSecond >= 0.9 * coldFew.PerSecond && busy.P99 <= 1.5 * quiet.P99;
    }

    // Every session that there is, at random, on a node with room for some hundreds.
    private async Task<LoadResult> Cold(int sessions)
    {
        await using var node = await host.AnotherNode(null, "--Sessions:TableMegabytes=1", "--RateLimiting:Enabled=false", "--Modular:MaximumPoolSize=4");
        var random = new Random(1);
        var cookies = Enumerable.Range(0, Math.Min(sessions, 200_000)).Select(_ => Cookie(random.Next(sessions))).ToList();
        await new CheckLoad(node.Url, cookies).Run(TimeSpan.FromSeconds(5));
        return await new CheckLoad(node.Url, cookies).Run(Time);
    }

    private async Task<LoadResult> Warm(IReadOnlyList<string> cookies)
    {
        await new CheckLoad(host.Url, cookies).Run(TimeSpan.FromSeconds(5));
        return await new CheckLoad(host.Url, cookies).Run(Time);
    }

    // A node that has looked up few, then many: what it has grown by.
    private async Task<double> BytesPerSession()
    {
        var first = many / 50;
        var then = Math.Min(many, 11 * first);
        await using var node = await host.AnotherNode(null, "--Sessions:TableMegabytes=4096", "--RateLimiting:Enabled=false");
        await Once(node, 0, first);
        var before = await Memory(node);
        await Once(node, first, then);
        return (await Memory(node) - before) / (then - first);
    }

    private static async Task<double> Memory(DrillHost node)
    {
        await Task.Delay(TimeSpan.FromSeconds(3));
        using var process = Process.GetProcessById(node.ProcessId);
        return process.WorkingSet64;
    }

    // Twice, so that the cookie is remembered too.
    private Task Once(DrillHost node, int from, int to) => Task.WhenAll(Enumerable.Range(0, 16).Select(at => Task.Factory.StartNew(
        () =>
        {
            using var connection = new CheckConnection(node.Url);
            for (var number = from + at; number < to; number += 16)
            {
                var request = CheckConnection.Request(node.Url, Cookie(number));
                if (connection.Check(request) != CheckAnswer.SignedIn || connection.Check(request) != CheckAnswer.SignedIn)
                    throw new InvalidOperationException($"Session {number} is not signed in.");
            }
        },
        CancellationToken.None,
        TaskCreationOptions.LongRunning,
        TaskScheduler.Default)));

    private async Task<(LoadResult Quiet, LoadResult Busy, TimeSpan Took)> Cleanup(Device device, IReadOnlyList<string> cookies)
    {
        await CloneSessions(device, many, many + expired, "now() - interval '2 hours'");
        await Sql("alter table sessions.mt_doc_session enable trigger user");
        var load = new CheckLoad(host.Url, cookies, perSecond: 2_000);
        await load.Run(TimeSpan.FromSeconds(5));
        var quiet = await load.Run(2 * Time);
        // Its sweep begins a minute after its start.
        await using var sweeping = await host.AnotherNode(null);
        while (await Left() == expired)
            await Task.Delay(200);
        var clock = Stopwatch.StartNew();
        using var over = new CancellationTokenSource();
        var busy = load.Run(over.Token);
        while (await Left() > 0)
            await Task.Delay(500);
        await over.CancelAsync();
        return (quiet, await busy, clock.Elapsed);
    }

    private async Task<long> Left() => (long)(await Sql("select count(*) from sessions.mt_doc_session where expires_at < now() - interval '1 hour'"))!;

    private Task CloneUsers(Device device) => Clone(
        "identity.mt_doc_user", $"email = '{device.Email}'", 0, Users, "'drill-user-' || n",
        ("email", "'clone-' || n || '@example.com'"), ("data", "jsonb_set(jsonb_set(t.data, '{id}', to_jsonb('drill-user-' || n)), '{email}', to_jsonb('clone-' || n || '@example.com'))"));

    private async Task CloneSessions(Device device, int from, int to, string end)
    {
        const string Hash = "digest('drill-token-' || n, 'sha256')";
        const string Text = $"rtrim(translate(encode({Hash}, 'base64'), '+/', '-_'), '=')";
        var id = "'drill-session-' || n";
        var user = $"'drill-user-' || (n % {Users})";
        for (var at = from; at < to; at += 50_000)
        {
            var until = Math.Min(at + 50_000, to);
            await Clone(
                "sessions.mt_doc_session", $"id = '{device.SessionId}'", at, until, id,
                ("user_id", user), ("token_hash", Hash), ("handle", "'drill-handle-' || n"), ("expires_at", end),
                ("data", $$"""
                    t.data || jsonb_build_object('id', {{id}}, 'userId', {{user}}, 'handle', 'drill-handle-' || n, 'tokenHash', {{Text}},
                        'expiresAt', to_char(({{end}}) at time zone 'utc', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'))
                    """));
            await Clone("sessions.mt_streams", $"id = '{device.SessionId}'", at, until, id);
        }

        await Sql("vacuum analyze");
        // What is measured is a database with so many sessions, not one that still writes them out.
        await Sql("checkpoint");
    }

    // Copies of one row with some columns made anew from n.
    private async Task Clone(string table, string which, int from, int to, string id, params (string Column, string Value)[] anew)
    {
        var columns = (string[])(await Sql($"select array_agg(attname::text) from pg_attribute where attrelid = '{table}'::regclass and attnum > 0 and not attisdropped and attgenerated = ''"))!;
        var values = columns.Select(column => column == "id" ? id : anew.FirstOrDefault(one => one.Column == column).Value ?? $"t.{column}");
        await Sql($"insert into {table} ({string.Join(", ", columns)}) select {string.Join(", ", values)} from {table} t, generate_series({from}, {to} - 1) n where t.{which}");
    }

    private string Cookie(int number)
    {
        var token = $"drill-token-{number}";
        var signature = HMACSHA256.HashData(Encoding.UTF8.GetBytes(host.Secret), Encoding.UTF8.GetBytes(token));
        return $"better-auth.session_token={token}.{Uri.EscapeDataString(Convert.ToBase64String(signature))}";
    }

    private async Task<object?> Sql(string sql)
    {
        await using var connection = new NpgsqlConnection(host.ConnectionString);
        await connection.OpenAsync();
        await using var command = new NpgsqlCommand(sql, connection) { CommandTimeout = 0 };
        return await command.ExecuteScalarAsync();
    }
}
