using MediatR;

namespace Modular.Audit.Contracts;

/// <summary>Where the log is pushed to, and how that goes.</summary>
/// <param name="State"><c>running</c>, <c>paused</c>, <c>failing</c> (it is tried again) or <c>not_configured</c> (its settings are gone; where it stood is kept).</param>
/// <param name="Url">Null where it is not configured.</param>
/// <param name="Next">The first position that was not taken.</param>
/// <param name="Behind">How many entries that is before the newest.</param>
/// <param name="Attempts">How often the present batch failed.</param>
/// <param name="NextAttempt">Not before then.</param>
/// <param name="LastSuccess">When a batch was last taken.</param>
/// <param name="LastError">Why the last attempt failed; null when it did not.</param>
public sealed record SinkStatus(
    string Name, string State, string? Url, long Next, long Behind, int Attempts, DateTimeOffset? NextAttempt, DateTimeOffset? LastSuccess, string? LastError);

/// <summary>Every sink that is configured, or was.</summary>
public sealed record ListSinks : IRequest<IReadOnlyList<SinkStatus>>;

/// <summary>The operator pauses a sink, lets it go on, or sends it entries again.</summary>
/// <param name="Act"><c>pause</c>, <c>resume</c> or <c>replay</c>.</param>
/// <param name="From">Of a replay: the position it begins again with.</param>
public sealed record SteerSink(string Name, string Act, long? From = null) : IRequest<SteeredSink>;

/// <summary>How the sink is then, or why nothing was done.</summary>
/// <param name="Problem">A sentence; null when it was done.</param>
public sealed record SteeredSink(SinkStatus? Sink, string? Problem = null);
