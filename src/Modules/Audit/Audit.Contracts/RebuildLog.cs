using MediatR;

namespace Modular.Audit.Contracts;

/// <summary>
/// Makes the log again from the modules' events, beside the real one and while requests are served, and compares the
/// two byte for byte. The real one is never replaced.
/// </summary>
/// <param name="Progress">Told after every chunk.</param>
public sealed record RebuildLog(IProgress<LogProgress>? Progress = null) : IRequest<RebuiltLog>;

/// <summary>What a rebuild of the log found.</summary>
/// <param name="Entries">Entries that were compared: those there were when it began.</param>
/// <param name="Equal">Whether every row is the same, byte for byte, and so the root.</param>
/// <param name="FirstDifference">The first position that is not; null when all are.</param>
/// <param name="Differences">How many are not.</param>
/// <param name="Root">Merkle tree hash of the log as it was made again, in lower-case hex.</param>
/// <param name="First">Where both begin: entries before were dropped by their age.</param>
/// <param name="LogRoot">Merkle tree hash over the leaf hashes of the real one.</param>
public sealed record RebuiltLog(long Entries, bool Equal, long? FirstDifference, long Differences, string Root, string LogRoot, long First = 0);

/// <summary>How far long work on the log is.</summary>
/// <param name="Done">Entries done.</param>
/// <param name="Total">Entries there were when it began.</param>
/// <param name="Elapsed">Since it began.</param>
public sealed record LogProgress(long Done, long Total, TimeSpan Elapsed)
{
    /// <summary>How long it will probably still take; null while nothing is known.</summary>
    public TimeSpan? Left => Done == 0 ? null : Elapsed * (Math.Max(0, Total - Done) / (double)Done);
}
