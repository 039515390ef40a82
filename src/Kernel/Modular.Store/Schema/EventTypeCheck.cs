using Npgsql;

namespace Modular.Store;

/// <summary>
/// Looks for events that no code of this version knows: at start, not at the read that would need them.
/// Only what was appended since the last look is read.
/// </summary>
internal static class EventTypeCheck
{
    private const string Mark = "$event-types";

    public static async Task Run(NpgsqlConnection connection, StoreRegistry registry, CancellationToken ct)
    {
        foreach (var module in registry.Modules.Select(module => module.DatabaseSchemaName))
        {
            var known = registry.EventNames(module).ToHashSet();
            foreach (var (type, where) in await Types(connection, module, ct))
            {
                if (!known.Contains(type))
                    throw new UnknownEventTypeException(module, type, where);
            }

            await Remember(connection, module, ct);
        }
    }

    private static async Task<List<(string Type, string Where)>> Types(NpgsqlConnection connection, string module, CancellationToken ct)
    {
        await using var command = new NpgsqlCommand($"""
            select name, 'seen before' from store.event_types where module = '{module}'
            union all
            select type, format('%s events, the first in stream %s', count(*), min(stream_id)) from {module}.mt_events
            where (epoch, xact) >= (coalesce((select epoch from {module}.mt_event_progression where name = '{Mark}'), 0),
                coalesce((select xact from {module}.mt_event_progression where name = '{Mark}'), '0'::xid8))
            group by type
            """, connection);
        var types = new List<(string, string)>();
        await using var rows = await command.ExecuteReaderAsync(ct);
        while (await rows.ReadAsync(ct))
            types.Add((rows.GetString(0), rows.GetString(1)));
        return types;
    }

    private static async Task Remember(NpgsqlConnection connection, string module, CancellationToken ct)
    {
        // One statement, so one snapshot: what it does not see lies beyond the mark that it leaves.
        await using var command = new NpgsqlCommand($"""
            with seen as (
                insert into store.event_types (module, name)
                select '{module}', type from {module}.mt_events
                where (epoch, xact) >= (coalesce((select epoch from {module}.mt_event_progression where name = '{Mark}'), 0),
                    coalesce((select xact from {module}.mt_event_progression where name = '{Mark}'), '0'::xid8))
                group by type on conflict do nothing)
            insert into {module}.mt_event_progression (name, epoch, xact, module, seq_id)
            select '{Mark}', (select epoch from store.epoch), pg_snapshot_xmin(pg_current_snapshot()), '{module}', 0
            on conflict (name) do update set epoch = excluded.epoch, xact = excluded.xact, last_updated = now();
            """, connection);
        await command.ExecuteNonQueryAsync(ct);
    }
}
