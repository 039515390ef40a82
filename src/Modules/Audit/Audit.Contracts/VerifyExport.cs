namespace Modular.Audit.Contracts;

/// <summary>Checks an exported part of the log.</summary>
/// <param name="File">Its path.</param>
/// <param name="Manifest">The signed manifest; null: it is the last line of the file.</param>
/// <param name="Checkpoints">Signed checkpoints that somebody kept.</param>
/// <param name="Keys">Keys of the log that are trusted, as <c>name+id+base64</c>; empty: no signature is checked.</param>
/// <param name="Progress">Told positions.</param>
public sealed record VerifyExport(
    string File, string? Manifest, IReadOnlyList<string> Checkpoints, IReadOnlyList<string> Keys, IProgress<long>? Progress = null);

/// <summary>What a check of an exported part found.</summary>
/// <param name="From">The first position.</param>
/// <param name="To">The position behind the last one.</param>
/// <param name="FirstWrong">The first position that is wrong, or that nothing vouches for; null when none is.</param>
/// <param name="Problem">What is wrong, as a code: <c>entry_missing</c>, <c>entry_too_many</c>, <c>unreadable</c>, <c>after_manifest</c>, <c>leaf_hash</c>, <c>tile</c>,
/// <c>root</c>, <c>digest</c>, <c>manifest</c>, <c>not_whole</c>, <c>signature</c>, <c>checkpoint_signature</c>,
/// <c>checkpoint_outside_range</c>, <c>origin</c>, <c>fork</c>.</param>
/// <param name="WrongBefore">What is wrong is before this position.</param>
/// <param name="Origin">What the log is called.</param>
/// <param name="Size">Of the checkpoint that vouches for it.</param>
/// <param name="Root">Of that checkpoint, lower-case hex.</param>
/// <param name="IsSigned">Whether a trusted key signed it.</param>
public sealed record VerifiedExport(
    long From, long To, long? FirstWrong, string? Problem, long? WrongBefore, string? Origin, long? Size, string? Root, bool IsSigned);
