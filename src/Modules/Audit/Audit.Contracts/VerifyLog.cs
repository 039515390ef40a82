using MediatR;

namespace Modular.Audit.Contracts;

/// <summary>
/// Checks the log where it stands: dense positions, every hash, order, that every committed event is in it exactly once,
/// and that it is what all checkpoints say. Changes nothing.
/// </summary>
/// <param name="Progress">Told now and then.</param>
/// <param name="Checkpoints">Signed checkpoints that somebody kept outside of the database.</param>
/// <param name="Keys">Keys of the log that are trusted, as <c>name+id+base64</c>; null: the first that the database names, and its successors.</param>
public sealed record VerifyLog(
    IProgress<LogProgress>? Progress = null, IReadOnlyList<string>? Checkpoints = null, IReadOnlyList<string>? Keys = null) : IRequest<VerifiedLog>;

/// <summary>What a check of the log found.</summary>
/// <param name="Entries">Entries that are right, from the first on.</param>
/// <param name="FirstWrong">The first position that is wrong, or that nothing vouches for; null when none is.</param>
/// <param name="Problem">What is wrong with it, as a code: <c>entry_missing</c>, <c>leaf_hash</c>, <c>canonical_bytes</c>,
/// <c>event_missing_from_log</c>, <c>entry_without_event</c>, <c>event_id</c>, <c>tile</c>, <c>tile_missing</c>, <c>boundary</c>; of a
/// checkpoint <c>checkpoint</c>, <c>checkpoint_signature</c>, <c>origin</c>, and <c>fork</c> for one that was kept outside.</param>
/// <param name="Root">Merkle tree hash over the right entries, in lower-case hex.</param>
/// <param name="WrongBefore">Where only a checkpoint tells: what is wrong is before this position.</param>
/// <param name="Checkpoints">Checkpoints that were compared.</param>
/// <param name="VouchedFor">How many entries the newest of them vouches for.</param>
/// <param name="First">Where the log begins: entries before were dropped by their age, and are known by the hashes that stay.</param>
/// <param name="KeysGiven">Whether trusted keys were given: where not, whoever replaced the keys in the database is not found.</param>
public sealed record VerifiedLog(
    long Entries, long? FirstWrong, string? Problem, string Root, long? WrongBefore = null, int Checkpoints = 0, long VouchedFor = 0, long First = 0,
    bool KeysGiven = false);
