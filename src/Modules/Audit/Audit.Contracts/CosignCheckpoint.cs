using MediatR;

namespace Modular.Audit.Contracts;

/// <summary>Keeps what a witness has signed below a checkpoint of ours.</summary>
/// <param name="Note">The checkpoint with the cosignature as a line below it.</param>
public sealed record CosignCheckpoint(string Note) : IRequest<CosignedCheckpoint>;

/// <summary>What was kept.</summary>
/// <param name="Size">Of the checkpoint; null when nothing was kept.</param>
/// <param name="Witnesses">Whose cosignatures were right.</param>
/// <param name="Problem">Why nothing was kept: <c>not_a_note</c>, <c>checkpoint_not_found</c>, <c>not_cosigned</c>.</param>
public sealed record CosignedCheckpoint(long? Size, IReadOnlyList<string> Witnesses, string? Problem = null);
