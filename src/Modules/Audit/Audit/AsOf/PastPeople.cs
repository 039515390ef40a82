using Modular.Audit.Contracts;
using Modular.Store;
using Npgsql;
using NpgsqlTypes;

namespace Modular.Audit;

/// <summary>Folds users out of the log. Memory holds one user's state; what is read of the log is what is about them.</summary>
internal sealed class PastPeople(StoreDatabase database, EntryLog log)
{
    /// <summary>The ids of those who were there at some time in between, in their order; one more than asked for where there are more.</summary>
    public async Task<IReadOnlyList<string>> Between(DateTimeOffset from, DateTimeOffset to, string? after, int limit, CancellationToken ct)
    {
        await using var command = database.Pooled.CreateCommand("""
            select u.subject from audit.search u
            where u.type = 'user.registered.1' and u.subject > $1 and u.time <= $3
                and not exists (select 1 from audit.search d where d.type = 'user.deleted.1' and d.subject = u.subject and d.time <= $2)
            order by u.subject limit $4
            """);
        command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = after ?? "" });
        command.Parameters.Add(TimeOf(from));
        command.Parameters.Add(TimeOf(to));
        command.Parameters.Add(new NpgsqlParameter<int> { TypedValue = limit + 1 });
        var ids = new List<string>();
        await using var row = await command.ExecuteReaderAsync(ct);
        while (await row.ReadAsync(ct))
            ids.Add(row.GetString(0));
        return ids;
    }

    /// <summary>The user at each of the times, in their order; null where they had not come yet.</summary>
    public async Task<IReadOnlyList<PastPerson?>> At(string id, CancellationToken ct, params IReadOnlyList<DateTimeOffset> times)
    {
        var states = new List<PastPerson?>();
        foreach (var time in times)
        {
            var fold = new PersonFold(id);
            await foreach (var chunk in log.From(0, new EntryFilter { Subject = id, Types = PersonFold.Types, Until = Behind(time) }, ct))
                Apply(fold, chunk);
            foreach (var organization in fold.Organizations.ToList())
            {
                await foreach (var chunk in log.From(0, new EntryFilter { Organization = organization, Types = PersonFold.Ends, IsOfOrganizations = true, Until = Behind(time) }, ct))
                    Apply(fold, chunk);
            }

            states.Add(fold.At(time));
        }

        return states;
    }

    /// <summary>How long the log is, and whether it has its beginning.</summary>
    public async Task<(long Entries, bool IsComplete)> Log(CancellationToken ct) =>
        (await log.Head(ct), await log.First(ct) == 0);

    private static void Apply(PersonFold fold, IReadOnlyList<Entry> chunk)
    {
        foreach (var entry in chunk)
            fold.Apply(entry.Event);
    }

    // What happened at that very moment has happened; entries have microseconds.
    private static DateTimeOffset Behind(DateTimeOffset time) => time.AddTicks(TimeSpan.TicksPerMicrosecond);

    private static NpgsqlParameter<DateTime> TimeOf(DateTimeOffset time) => new() { TypedValue = time.UtcDateTime, NpgsqlDbType = NpgsqlDbType.TimestampTz };
}
