using System.Diagnostics;
using System.Threading.Channels;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Npgsql;

namespace Modular.Store;

/// <summary>
/// Tells readers of the feed that there may be something new. Only a hint: whoever misses it polls (DESIGN §4).
/// </summary>
public sealed class FeedSignal
{
    private readonly Channel<bool> _outgoing = Channel.CreateBounded<bool>(
        new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropWrite, SingleReader = true });

    private TaskCompletionSource _next = NewSource();
    private long _heard = Stopwatch.GetTimestamp();

    /// <summary>The pause between two looks where nobody tells: the net below hints (DESIGN §4).</summary>
    public TimeSpan Net { get; set; } = TimeSpan.FromSeconds(15);

    /// <summary>
    /// After how long without a hint this node asks for nothing and keeps no connection until the next one, so that a
    /// database that goes to sleep when nobody uses it may. Null: never.
    /// </summary>
    public TimeSpan? RestsAfter { get; set; }

    /// <summary>The longest rest; then a look is taken all the same.</summary>
    public TimeSpan LongestRest { get; set; } = TimeSpan.FromHours(1);

    /// <summary>Whether nothing has happened for so long that it is time to rest.</summary>
    public bool IsQuiet => RestsAfter is { } after && Stopwatch.GetElapsedTime(Volatile.Read(ref _heard)) > after;

    /// <summary>Whether other nodes are told; off only to measure what telling them costs.</summary>
    public bool TellsOthers { get; set; } = true;

    /// <summary>Completes at the next hint.</summary>
    public Task Next => Volatile.Read(ref _next).Task;

    internal ChannelReader<bool> Outgoing => _outgoing.Reader;

    /// <summary>Others could not be told; they are when the connection is back.</summary>
    internal void TellAgain() => _outgoing.Writer.TryWrite(true);

    /// <summary>This node committed events or messages.</summary>
    public void Committed()
    {
        Heard();
        if (TellsOthers)
            _outgoing.Writer.TryWrite(true);
    }

    /// <summary>Another node did.</summary>
    internal void Heard()
    {
        Volatile.Write(ref _heard, Stopwatch.GetTimestamp());
        Interlocked.Exchange(ref _next, NewSource()).TrySetResult();
    }

    /// <summary>Waits for a hint that was taken before the last look, or until it is time to look all the same.</summary>
    public async Task Rest(Task hint, CancellationToken ct)
    {
        using var enough = CancellationTokenSource.CreateLinkedTokenSource(ct);
        await Task.WhenAny(hint, Task.Delay(LongestRest, enough.Token));
        await enough.CancelAsync();
        ct.ThrowIfCancellationRequested();
    }

    /// <summary>For a process without a background half: tells the others what has been committed here, before it ends.</summary>
    public async Task TellWhatIsLeft(StoreDatabase database, CancellationToken ct)
    {
        if (!_outgoing.Reader.TryRead(out _))
            return;
        await using var notify = database.Direct.CreateCommand($"notify {FeedSignalRelay.Channel}");
        await notify.ExecuteNonQueryAsync(ct);
    }

    private static TaskCompletionSource NewSource() => new(TaskCreationOptions.RunContinuationsAsynchronously);
}

/// <summary>
/// Carries hints between nodes: at most one NOTIFY per 20 ms, on a connection of its own. Inside the writing
/// transactions it would end group commit (measured: 11,000 commits a second become 300 at 3 ms flush latency). Hears
/// of shredded keys, too.
/// </summary>
internal sealed class FeedSignalRelay(StoreDatabase database, FeedSignal signal, SubjectKeys keys, ILogger<FeedSignalRelay> log) : BackgroundService
{
    public const string Channel = "modular_feed";

    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(20);
    private static readonly TimeSpan Reconnect = TimeSpan.FromSeconds(1);

    private readonly string _node = Guid.NewGuid().ToString("N");

    protected override Task ExecuteAsync(CancellationToken stoppingToken) =>
        Task.WhenAll(Forever(Listen, stoppingToken), Forever(Send, stoppingToken));

    private async Task Forever(Func<CancellationToken, Task> work, CancellationToken ct)
    {
        while (!ct.IsCancellationRequested)
        {
            try
            {
                await work(ct);
            }
            catch (OperationCanceledException) when (ct.IsCancellationRequested)
            {
                return;
            }
            catch (Exception failure)
            {
                // Whatever it is: a server does not stop because hints do.
                log.LogInformation("Hints between nodes pause: {Reason}", failure.Message);
                // A database that has gone to sleep has cut everybody; whoever comes back at once wakes it.
                await (signal.IsQuiet ? signal.Rest(signal.Next, ct) : Task.Delay(Reconnect, ct)).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
        }
    }

    private async Task Listen(CancellationToken ct)
    {
        await using var connection = await database.Direct.OpenConnectionAsync(ct);
        connection.Notification += (_, notice) =>
        {
            if (notice.Channel == ShredSubjectKey.Channel)
                keys.Forget(notice.Payload);
            else if (notice.Payload != _node)
                signal.Heard();
        };
        await using (var listen = new NpgsqlCommand($"listen {Channel}; listen {ShredSubjectKey.Channel}", connection))
            await listen.ExecuteNonQueryAsync(ct);
        // What was said while nobody listened is not repeated.
        keys.ForgetAll();
        signal.Heard();
        while (true)
            await connection.WaitAsync(ct);
    }

    private async Task Send(CancellationToken ct)
    {
        await using var connection = await database.Direct.OpenConnectionAsync(ct);
        await using var notify = new NpgsqlCommand($"notify {Channel}, '{_node}'", connection);
        while (true)
        {
            await signal.Outgoing.ReadAsync(ct);
            try
            {
                await notify.ExecuteNonQueryAsync(ct);
            }
            catch
            {
                signal.TellAgain();
                throw;
            }

            await Task.Delay(Pause, ct);
        }
    }
}
