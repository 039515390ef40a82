namespace Modular.Identity;

/// <summary>Something fetched and kept for a while; however many ask, one fetch is under way.</summary>
internal sealed class Remembered<T>(Func<Task<T>> fetch, TimeSpan life, TimeProvider clock)
    where T : class
{
    private readonly Lock gate = new();
    private Task<T>? underWay;
    private T? value;
    private DateTimeOffset fetchedAt;

    public Task<T> Get(CancellationToken ct) => NotOlderThan(life, ct);

    /// <summary>Fetched again when it is older; the way to ask for news without asking all the time.</summary>
    public Task<T> NotOlderThan(TimeSpan age, CancellationToken ct)
    {
        lock (gate)
        {
            if (value is { } known && clock.GetUtcNow() - fetchedAt < age)
                return Task.FromResult(known);

            // Not with the caller's token: others wait for it too. The fetch has a bound of its own.
            return (underWay ??= Fetch()).WaitAsync(ct);
        }
    }

    private async Task<T> Fetch()
    {
        // Out of the lock, so that it is assigned before it can be over.
        await Task.Yield();
        try
        {
            var fetched = await fetch();
            lock (gate)
                (value, fetchedAt) = (fetched, clock.GetUtcNow());
            return fetched;
        }
        finally
        {
            lock (gate)
                underWay = null;
        }
    }
}
