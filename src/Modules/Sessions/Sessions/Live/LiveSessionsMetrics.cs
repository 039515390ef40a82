using System.Diagnostics.Metrics;

namespace Modular.Sessions;

/// <summary>How the table of live sessions does: <c>modular.sessions.checks</c> and what is lost.</summary>
internal sealed class LiveSessionsMetrics
{
    private readonly StripedCount hits = new();
    private long misses;
    private long discarded;
    private long lost;

    public LiveSessionsMetrics(IMeterFactory meters)
    {
        var meter = meters.Create("Modular.Sessions");
        meter.CreateObservableCounter("modular.sessions.table.hits", () => Hits, description: "Checks answered from memory");
        meter.CreateObservableCounter("modular.sessions.table.misses", () => Misses, description: "Checks that asked the database");
        meter.CreateObservableCounter("modular.sessions.table.discards", () => Volatile.Read(ref discarded), description: "Fills that an invalidation overtook");
        meter.CreateObservableCounter("modular.sessions.table.lease_losses", () => Volatile.Read(ref lost), description: "Times the listener was lost");
    }

    public long Hits => hits.Value;

    public long Misses => Volatile.Read(ref misses);

    public long Discards => Volatile.Read(ref discarded);

    public long LeaseLosses => Volatile.Read(ref lost);

    // Counted on every check, on every core. One that loses counts may also go back, which is a restart to whoever reads it.
    public void Hit() => hits.Add();

    public void Missed() => Interlocked.Increment(ref misses);

    public void Discarded() => Interlocked.Increment(ref discarded);

    public void LostLease() => Interlocked.Increment(ref lost);
}
