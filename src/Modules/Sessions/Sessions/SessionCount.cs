using System.Data.Common;
using System.Diagnostics.Metrics;
using Modular.Store;

namespace Modular.Sessions;

/// <summary>
/// <c>modular.sessions.active</c>: how many sessions live, on whichever node. Counted when somebody asks, at most every
/// <see cref="Rest"/>, and not at all where the question would keep a database awake.
/// </summary>
internal sealed class SessionCount : IMeasuredOnDemand
{
    private static readonly TimeSpan Rest = TimeSpan.FromSeconds(15);

    private readonly StoreDatabase database;
    private readonly TimeProvider clock;
    private long? last;
    private DateTimeOffset next;

    public SessionCount(StoreDatabase database, IMeterFactory meters, TimeProvider clock)
    {
        (this.database, this.clock) = (database, clock);
        meters.Create("Modular.Sessions").CreateObservableGauge<long>(
            "modular.sessions.active", () => last is { } known ? [new Measurement<long>(known)] : Array.Empty<Measurement<long>>(), "{session}", "Sessions that live, on whichever node.");
    }

    public async Task Measure(CancellationToken ct)
    {
        var now = clock.GetUtcNow();
        if (database.MaySleep || now < next)
            return;
        next = now + Rest;
        try
        {
            await using var command = database.Pooled.CreateCommand("select count(*) from sessions.mt_doc_session where expires_at > now()");
            last = await command.ExecuteScalarAsync(ct) as long?;
        }
        catch (Exception failure) when (failure is DbException or TimeoutException)
        {
            last = null;
        }
    }
}
