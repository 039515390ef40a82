using System.Text.Json;

namespace Modular.Store;

/// <summary>
/// An event as its canonical bytes tell it, for people: personal data in clear where its key still exists, null where
/// it was shredded. Nothing is mapped to a type or upcast.
/// </summary>
/// <param name="Outcome"><c>success</c> or <c>refused</c>.</param>
/// <param name="Request">The id shared by everything one request caused.</param>
/// <param name="Cause">The id of the message or request that directly caused it.</param>
/// <param name="Data">The event's own members: a JSON object, UTF-8.</param>
public sealed record CanonicalEvent(
    Guid Id,
    DateTimeOffset Time,
    string Module,
    string Type,
    string Outcome,
    string? Reason,
    string? Actor,
    string? Subject,
    string? Session,
    string? Organization,
    string? Request,
    string? Cause,
    string Stream,
    string? IpAddress,
    string? UserAgent,
    ReadOnlyMemory<byte> Data);

/// <summary>Reads canonical bytes, wherever they are kept (DESIGN §7).</summary>
public sealed class CanonicalEvents
{
    private readonly EventReader _reader;

    internal CanonicalEvents(EventReader reader) => _reader = reader;

    /// <summary>Reads them in order; the keys they need are read by at most one query.</summary>
    /// <exception cref="JsonException">One of them is not what an append has made.</exception>
    public Task<IReadOnlyList<CanonicalEvent>> Open(IReadOnlyList<ReadOnlyMemory<byte>> canonical, CancellationToken ct = default) =>
        _reader.Open(canonical, reveals: true, ct);

    /// <summary>The same with personal data null, as if every key were shredded; none is read.</summary>
    /// <exception cref="JsonException">One of them is not what an append has made.</exception>
    public Task<IReadOnlyList<CanonicalEvent>> OpenWithoutPersonalData(
        IReadOnlyList<ReadOnlyMemory<byte>> canonical, CancellationToken ct = default) =>
        _reader.Open(canonical, reveals: false, ct);
}
