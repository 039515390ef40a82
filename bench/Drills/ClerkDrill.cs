using System.Diagnostics;
using Modular.Testing;
using Npgsql;

namespace Modular.Drills;

/// <summary>Thousands of messages of Clerk, shuffled, doubled and partly forged, many at once, to two nodes; then every user is compared with what they must be.</summary>
internal sealed class ClerkDrill(DrillHost host, DrillHost other, int messages, int seed)
{
    public const string Secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

    private const int AtOnce = 16;

    public async Task<bool> Run(TextWriter output)
    {
        var traffic = new ClerkTraffic(messages, seed);
        var watch = Stopwatch.StartNew();
        var statuses = await traffic.Deliver([host.Url, other.Url], Secret, AtOnce, () => DateTimeOffset.UtcNow);
        var took = watch.Elapsed;
        var (found, synced) = (await Read("select id, concat_ws('|', name, email, email_verified, banned) from identity.mt_doc_user"),
            await Read("select id, concat_ws('|', name, email, raw_json ->> 'emailVerified', raw_json ->> 'banned') from neon_auth.users_sync"));
        var expected = traffic.People.Where(person => !person.Deleted).ToDictionary(
            person => person.Id,
            person => (User: $"{person.Name} Clerk|{person.Email}|{(person.Verified ? 't' : 'f')}|{(person.Banned ? 't' : 'f')}",
                Row: $"{person.Name} Clerk|{person.Email}|{(person.Verified ? "true" : "false")}|{(person.Banned ? "true" : "false")}"));
        var wrong = expected.Count(person => found.GetValueOrDefault(person.Key) != person.Value.User || synced.GetValueOrDefault(person.Key) != person.Value.Row)
            + found.Keys.Concat(synced.Keys).Distinct().Count(id => !expected.ContainsKey(id));
        var faults = host.Faults.Concat(other.Faults).ToList();
        await output.WriteLineAsync(FormattableString.Invariant(
            $"{traffic.Messages.Count} messages ({traffic.Messages.Count(message => message.IsForged)} forged) about {traffic.People.Count} users in {took.TotalSeconds:F1} s, {traffic.Messages.Count / took.TotalSeconds:F0}/s"));
        await output.WriteLineAsync($"answers: {string.Join(", ", statuses.OrderBy(status => status.Key).Select(status => $"{status.Key} × {status.Value}"))}");
        await output.WriteLineAsync($"{expected.Count} users expected, {found.Count} there, {wrong} wrong, {faults.Count} faults logged");
        faults.Take(10).ToList().ForEach(Console.Error.WriteLine);
        return wrong == 0 && faults.Count == 0;
    }

    private async Task<Dictionary<string, string>> Read(string sql)
    {
        await using var connection = new NpgsqlConnection(host.ConnectionString);
        await connection.OpenAsync();
        await using var command = new NpgsqlCommand(sql, connection);
        await using var rows = await command.ExecuteReaderAsync();
        var read = new Dictionary<string, string>();
        while (await rows.ReadAsync())
            read[rows.GetString(0)] = rows.GetString(1);
        return read;
    }
}
