using Modular.Testing;
using Npgsql;

namespace Modular.Messaging.Tests;

public sealed class PlanTests : IAsyncLifetime
{
    private TestDatabase _database = null!;

    public async Task InitializeAsync() => _database = await TestDatabase.CreateAsync();

    public async Task DisposeAsync() => await _database.DisposeAsync();

    [Fact]
    public async Task A_claim_among_many_waiting_messages_reads_what_it_takes_and_no_more()
    {
        await using var node = await Node.Create(_database);
        // A plan has to be right whatever the table held when it was made, so there are no statistics.
        await node.Execute("""
            insert into messaging.incoming_envelopes (epoch, ordinal, id, queue, group_id, message_type, body, sent_at, execution_time, attempts)
            select 1, n, gen_random_uuid(), 'notes.take_note', case n % 2 when 1 then 'group ' || n % 10 end, 'note.noted.1', '{}', now(), now(), 0
            from generate_series(1, 100000) n
            """);
        await using var source = NpgsqlDataSource.Create(_database.ConnectionString);
        await using var connection = await source.OpenConnectionAsync();
        await Run(connection, ClaimConnection.Settings);
        await Run(connection, "set plan_cache_mode = force_generic_plan");
        await Run(connection, $"prepare walk(text[], text[], integer, integer) as {ClaimConnection.WalkSql}");
        await Run(connection, $"prepare due(text[], timestamptz) as {ClaimConnection.NextDueSql}");
        await Run(connection, $"prepare claim(uuid, interval, timestamptz, text[], text[], integer[]) as {ClaimConnection.ClaimSql}");
        await Run(connection, $"prepare heads(uuid, interval, timestamptz, uuid[], text[]) as {ClaimConnection.ClaimHeadsSql}");

        foreach (var execute in new[]
        {
            "walk(array['notes.take_note'], array[''], 1, 100)",
            "due(array['notes.take_note'], now())",
            "claim(gen_random_uuid(), '1 minute', now(), array['notes.take_note'], array['note.noted.1'], array[50])",
            "heads(gen_random_uuid(), '1 minute', now(), array[gen_random_uuid()], array['notes.take_note'])",
        })
        {
            var plan = await Run(connection, $"explain (analyze, buffers, costs off, timing off) execute {execute}");
            Assert.DoesNotContain("Seq Scan", plan, StringComparison.Ordinal);
            var buffers = plan.Split('\n').First(line => line.Contains("Buffers: shared hit=", StringComparison.Ordinal)).Trim();
            var read = int.Parse(buffers.Split("hit=")[1].Split(' ')[0], System.Globalization.CultureInfo.InvariantCulture);
            Assert.True(read < 1500, $"{execute} read {read} pages:\n{plan}");
        }
    }

    private static async Task<string> Run(NpgsqlConnection connection, string sql)
    {
        await using var command = new NpgsqlCommand(sql, connection);
        await using var rows = await command.ExecuteReaderAsync();
        var lines = new List<string>();
        while (await rows.ReadAsync())
            lines.Add(rows.GetString(0));
        return string.Join('\n', lines);
    }
}
