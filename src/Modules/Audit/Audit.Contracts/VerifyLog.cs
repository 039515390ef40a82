using MediatR;

namespace Modular.Audit.Contracts;

/// <summary>
/// Checks the log where it stands: dense positions, leaf hashes, order, and that every committed event is in it exactly
/// once. Changes nothing.
/// </summary>
/// <param name="Progress">Told after every chunk.</param>
public sealed record VerifyLog(IProgress<LogProgress>? Progress = null) : IRequest<VerifiedLog>;

/// <summary>What a check of the log found.</summary>
/// <param name="Entries">Entries that are right, from the first on.</param>
/// <param name="FirstWrong">The first position that is wrong; null when none is.</param>
/// <param name="Problem">What is wrong with it, as a code: <c>entry_missing</c>, <c>leaf_hash</c>, <c>canonical_bytes</c>,
/// <c>event_missing_from_log</c>, <c>entry_without_event</c>, <c>event_id</c>.</param>
/// <param name="Root">Merkle tree hash over the right entries, in lower-case hex.</param>
public sealed record VerifiedLog(long Entries, long? FirstWrong, string? Problem, string Root);
