namespace Modular.Messaging;

/// <summary>How the workers of a node work.</summary>
public sealed class MessagingSettings
{
    /// <summary>How many messages of one queue a node handles at the same time.</summary>
    public int ParallelMessagesPerQueue { get; set; } = 4;

    /// <summary>How many messages a node handles at the same time.</summary>
    public int MaximumParallelMessages { get; set; } = 16;

    /// <summary>How many messages of a queue a node claims at most, begun or not.</summary>
    public int ClaimBatch { get; set; } = 50;

    /// <summary>How often a message is tried before it is a dead letter.</summary>
    public int MaximumAttempts { get; set; } = 5;

    /// <summary>The pause after the first failure; each further one is five times as long.</summary>
    public TimeSpan FirstRetry { get; set; } = TimeSpan.FromMilliseconds(500);

    /// <summary>The longest pause.</summary>
    public TimeSpan LongestRetry { get; set; } = TimeSpan.FromMinutes(10);

    /// <summary>For how long a claim holds after the last sign of life; then another node takes over.</summary>
    public TimeSpan Lease { get; set; } = TimeSpan.FromSeconds(30);

    /// <summary>After how long a handler that is still running is cancelled and counts as failed.</summary>
    public TimeSpan HandlerTimeout { get; set; } = TimeSpan.FromMinutes(5);

    /// <summary>How often queues are counted, for the metrics and for what no code knows.</summary>
    public TimeSpan Inspection { get; set; } = TimeSpan.FromSeconds(15);

    /// <summary>A number from 0 to 1 that spreads retries of messages that failed together.</summary>
    public Func<double> Jitter { get; set; } = Random.Shared.NextDouble;

    internal TimeSpan RetryAfter(int attempts)
    {
        var pause = Math.Min(FirstRetry.TotalSeconds * Math.Pow(5, attempts - 1), LongestRetry.TotalSeconds);
        return TimeSpan.FromSeconds(pause * (0.75 + (0.5 * Jitter())));
    }
}
