using MediatR;

namespace Modular.Audit.Contracts;

/// <summary>The names that <see cref="RebuildReadModel"/> knows.</summary>
public sealed record ListReadModels : IRequest<IReadOnlyList<string>>;

/// <summary>
/// Makes a read model of any module anew while requests are served, beside the live one, and switches in one
/// transaction. Cancelling it leaves the live one as it was.
/// </summary>
/// <param name="Name">As <c>schema.table</c>.</param>
/// <param name="Compare">Counts rows that were not equal, byte for byte.</param>
/// <param name="Progress">Told about every second.</param>
public sealed record RebuildReadModel(string Name, bool Compare = false, IProgress<LogProgress>? Progress = null)
    : IRequest<RebuiltReadModel?>;

/// <summary>What was rebuilt; the answer is null when there is no read model of that name.</summary>
/// <param name="Read">Events or entries read.</param>
/// <param name="Rows">Rows of it now.</param>
/// <param name="Different">Rows that were not equal before; null when it was not asked.</param>
public sealed record RebuiltReadModel(string Name, long Read, long Rows, long? Different);
