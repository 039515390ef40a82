using System.Collections.Frozen;

namespace Modular.Messaging;

/// <summary>
/// What this node has claimed and not finished, queue by queue. Inert until the daemon starts: a command line
/// publishes and leaves the work to the servers.
/// </summary>
internal sealed class LocalQueues
{
    private readonly FrozenDictionary<string, LocalQueue> _queues;
    private TaskCompletionSource _wake = NewSource();
    private volatile bool _accepting;

    public LocalQueues(MessageRegistry registry, MessagingSettings settings)
    {
        Lease = settings.Lease;
        var slots = new SemaphoreSlim(settings.MaximumParallelMessages);
        _queues = registry.Queues.ToFrozenDictionary(
            queue => queue.Name, queue => new LocalQueue(queue, settings, slots, Wake));
    }

    /// <summary>Owner of what is claimed here; another one after each start.</summary>
    public Guid Node { get; } = Guid.NewGuid();

    public TimeSpan Lease { get; }

    public IEnumerable<LocalQueue> All => _queues.Values;

    /// <summary>Completes when there may be something to claim, or room to claim it into.</summary>
    public Task Woken => Volatile.Read(ref _wake).Task;

    public void Wake() => Interlocked.Exchange(ref _wake, NewSource()).TrySetResult();

    public void Start(Func<Claim, Task> handle)
    {
        foreach (var queue in All)
            queue.Handle = handle;
        _accepting = true;
    }

    /// <summary>Begins no further message. Returns the claims that were not begun.</summary>
    public IReadOnlyList<Claim> Close()
    {
        _accepting = false;
        return [.. All.SelectMany(queue => queue.Close())];
    }

    /// <summary>Whether a message may be this node's from the start: there is room, and nobody waits already.</summary>
    public bool MayTake(string queue, int ahead) => _accepting && _queues[queue] is { Backlogged: false } local && local.Room > ahead;

    public void Add(Claim claim) => _queues[claim.Envelope.Queue].Add(claim);

    private static TaskCompletionSource NewSource() => new(TaskCreationOptions.RunContinuationsAsynchronously);
}

/// <summary>One queue on this node: so many messages at a time, the rest waits here or in the table.</summary>
internal sealed class LocalQueue(QueueMapping mapping, MessagingSettings settings, SemaphoreSlim slots, Action wake)
{
    private readonly Lock _lock = new();
    private readonly Queue<Claim> _waiting = new();
    private readonly HashSet<Claim> _claims = [];
    private int _workers;
    private bool _closed;

    public QueueMapping Mapping => mapping;

    public Func<Claim, Task> Handle { get; set; } = _ => Task.CompletedTask;

    /// <summary>Where the next look at this queue's groups begins.</summary>
    public GroupWalk Groups { get; } = new();

    /// <summary>More is waiting in the table than fitted in here.</summary>
    public bool Backlogged { get; set; }

    /// <summary>How many claims fit in.</summary>
    public int Room => settings.ClaimBatch - Volatile.Read(ref _held);

    /// <summary>Small claims cost as much as large ones, so there has to be room for half a batch.</summary>
    public bool WantsMore => Room >= Half;

    private int Half => (settings.ClaimBatch + 1) / 2;

    private int _held;

    /// <summary>Everything held, begun or not.</summary>
    public IReadOnlyList<Claim> Claims
    {
        get
        {
            lock (_lock)
                return [.. _claims];
        }
    }

    public void Add(Claim claim)
    {
        lock (_lock)
        {
            _claims.Add(claim);
            _held = _claims.Count;
            _waiting.Enqueue(claim);
            if (_closed || _workers == settings.ParallelMessagesPerQueue)
                return;
            _workers++;
        }

        _ = Task.Run(Work);
    }

    public IReadOnlyList<Claim> Close()
    {
        lock (_lock)
        {
            _closed = true;
            var unbegun = _waiting.ToList();
            _waiting.Clear();
            _claims.ExceptWith(unbegun);
            _held = _claims.Count;
            return unbegun;
        }
    }

    private async Task Work()
    {
        while (Next() is { } claim)
        {
            await slots.WaitAsync();
            try
            {
                await Handle(claim);
            }
            finally
            {
                slots.Release();
                Finished(claim);
            }
        }
    }

    private Claim? Next()
    {
        lock (_lock)
        {
            if (_waiting.TryDequeue(out var claim))
                return claim;
            _workers--;
            return null;
        }
    }

    private void Finished(Claim claim)
    {
        bool roomAgain;
        lock (_lock)
        {
            roomAgain = Room == Half - 1;
            _claims.Remove(claim);
            _held = _claims.Count;
        }

        claim.Dispose();
        // The next of its group waits in the table for this one to be over.
        if (roomAgain || claim.Envelope.GroupId is not null)
            wake();
    }
}

/// <summary>
/// How far a queue's groups have been looked through. Only so many are looked at in one go, so that a claim stays cheap
/// when many groups wait for something; the walk goes round until it has seen all of them without a break.
/// </summary>
internal sealed class GroupWalk
{
    /// <summary>The last group looked at; empty: the walk begins anew.</summary>
    public string After { get; private set; } = "";

    private bool _unbroken;

    /// <summary>Notes what was seen. True when there is more to look at right away.</summary>
    /// <param name="last">The last group that was considered; null when there was none.</param>
    /// <param name="end">No group comes after it.</param>
    /// <param name="full">There was no room for all that could have been claimed.</param>
    public bool Saw(string? last, bool end, bool full)
    {
        _unbroken = (_unbroken || After.Length == 0) && !full;
        if (full)
        {
            After = last ?? After;
            return false;
        }

        After = end ? "" : last!;
        return !end || !_unbroken;
    }
}
