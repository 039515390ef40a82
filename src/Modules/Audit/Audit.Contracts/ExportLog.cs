using MediatR;

namespace Modular.Audit.Contracts;

/// <summary>
/// Gives out a part of the log so that its hashes can be made again anywhere: one line per entry, in order, personal data
/// encrypted as it is stored. That it was given out is an event, committed before the first line is.
/// </summary>
/// <param name="From">The first position.</param>
/// <param name="To">The position behind the last one; null, or beyond it: all that the newest checkpoint vouches for.</param>
public sealed record ExportLog(long From = 0, long? To = null) : IRequest<ExportedLog>;

/// <summary>A part of the log on its way out.</summary>
/// <param name="From">The first position.</param>
/// <param name="To">The position behind the last one.</param>
/// <param name="Lines">Chunks of <c>{"position":…,"entry":"…"}</c>, each line ended.</param>
public sealed record ExportedLog(long From, long To, IAsyncEnumerable<ReadOnlyMemory<byte>> Lines);

/// <summary>
/// Signs what was given out. It does not depend on a format: whatever has a digest and a range gets a manifest, and what
/// holds every entry of its range gets with it what proves the range against a checkpoint.
/// </summary>
/// <param name="Format">E.g. <c>modular-ndjson</c>, <c>csv</c>.</param>
/// <param name="Sha256">Of the file, lower-case hex.</param>
/// <param name="Bytes">Its length.</param>
/// <param name="Entries">How many entries are in it.</param>
/// <param name="From">The first position of the range.</param>
/// <param name="To">The position behind the last one.</param>
/// <param name="Filter">What was left out, in words; null: nothing.</param>
public sealed record SignManifest(string Format, string Sha256, long Bytes, long Entries, long From, long To, string? Filter = null)
    : IRequest<SignedManifest>;

/// <summary>A manifest as a signed note, and the checkpoint that is in it.</summary>
public sealed record SignedManifest(string Note, string Checkpoint);

/// <summary>A signed checkpoint of the log as it is now.</summary>
public sealed record SignCheckpoint : IRequest<SignedCheckpoint>;

/// <summary>The checkpoint as a signed note.</summary>
public sealed record SignedCheckpoint(string Note, long Size);
