namespace Modular.Messaging;

/// <summary>A message on its way to one queue. The id is the message's and the same in each of its queues.</summary>
internal sealed record Envelope(Guid Id, string Queue, string? GroupId, string MessageType, byte[] Body)
{
    public string? Actor { get; init; }

    public string? SessionId { get; init; }

    public string? OrganizationId { get; init; }

    public string? CorrelationId { get; init; }

    /// <summary>How often it was claimed, this time included: a node that dies with it has tried as well.</summary>
    public int Attempts { get; init; }

    public DateTimeOffset ExecutionTime { get; init; }

    public DateTimeOffset? DeliverBy { get; init; }
}

/// <summary>An envelope that is this node's for as long as the lease lasts.</summary>
internal sealed class Claim(Envelope envelope) : IDisposable
{
    private readonly CancellationTokenSource _given = new();
    private long _leasedAt = Environment.TickCount64;
    private long _startedAt;

    public Envelope Envelope { get; } = envelope;

    /// <summary>Cancelled when the message is no longer this node's, took too long, or the node stops.</summary>
    public CancellationToken Token => _given.Token;

    /// <summary>Whether to go back to the queue untried when cancelled: the node stops.</summary>
    public bool Stopping { get; private set; }

    /// <summary>Whether somebody else has it by now.</summary>
    public bool Lost { get; private set; }

    public TimeSpan LeaseAge => TimeSpan.FromMilliseconds(Environment.TickCount64 - Interlocked.Read(ref _leasedAt));

    /// <summary>How long the handler has been at it.</summary>
    public TimeSpan RunningFor =>
        Interlocked.Read(ref _startedAt) is var started and > 0 ? TimeSpan.FromMilliseconds(Environment.TickCount64 - started) : TimeSpan.Zero;

    public void Start() => Interlocked.Exchange(ref _startedAt, Environment.TickCount64);

    public void Renewed() => Interlocked.Exchange(ref _leasedAt, Environment.TickCount64);

    public void Lose()
    {
        Lost = true;
        Cancel();
    }

    public void Stop()
    {
        Stopping = true;
        Cancel();
    }

    public void Cancel()
    {
        try
        {
            _given.Cancel();
        }
        catch (ObjectDisposedException)
        {
            // It was finished in the meantime.
        }
    }

    public void Dispose() => _given.Dispose();
}
