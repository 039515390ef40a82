using MediatR;

namespace Modular.Audit.Contracts;

/// <summary>The keys that checkpoints are checked by.</summary>
public sealed record ReadLogKeys : IRequest<KnownLogKeys>;

/// <summary>What the log is called, and its keys, the newest first.</summary>
/// <param name="Origin">The first line of each checkpoint.</param>
public sealed record KnownLogKeys(string Origin, IReadOnlyList<KnownLogKey> Keys);

/// <summary>A key of the log.</summary>
/// <param name="Number">From 1.</param>
/// <param name="Key">As <c>name+id+base64</c>.</param>
/// <param name="Made">When it was made.</param>
/// <param name="CanSign">Whether its private half is still there.</param>
public sealed record KnownLogKey(int Number, string Key, DateTimeOffset Made, bool CanSign);

/// <summary>Replaces the key that checkpoints are signed with.</summary>
/// <param name="AtOnce">The old one signs nothing any more, because it may have been stolen.</param>
public sealed record RotateLogKey(bool AtOnce = false) : IRequest<RotatedLogKey>;

/// <summary>Which key signs now, and which did before.</summary>
public sealed record RotatedLogKey(string Key, string Replaces);
