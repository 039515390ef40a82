using System.Data.Common;
using System.Diagnostics.Metrics;
using Modular.Store;

namespace Modular.Messaging;

/// <summary><c>modular.messaging.dead_letters</c>: messages that were given up and wait for a decision, of whichever node.</summary>
internal sealed class DeadLetterCount : IMeasuredOnDemand
{
    private readonly StoreDatabase _database;
    private long? _last;

    public DeadLetterCount(StoreDatabase database, IMeterFactory meters)
    {
        _database = database;
        meters.Create("Modular.Messaging").CreateObservableGauge<long>(
            "modular.messaging.dead_letters", () => _last is { } known ? [new Measurement<long>(known)] : Array.Empty<Measurement<long>>(),
            "{message}", "Messages that were given up, on whichever node, and wait for a decision.");
    }

    public async Task Measure(CancellationToken ct)
    {
        if (_database.MaySleep)
            return;
        try
        {
            await using var command = _database.Pooled.CreateCommand($"select count(*) from {MessagingSchema.Name}.dead_letters");
            _last = await command.ExecuteScalarAsync(ct) as long?;
        }
        catch (Exception failure) when (failure is DbException or TimeoutException)
        {
            _last = null;
        }
    }
}
