using MediatR;

namespace Modular.Audit.Contracts;

/// <summary>Streams the log, oldest entry first; personal data in clear where its key still exists.</summary>
/// <param name="From">The first position; below zero it counts from the end what passes the filter, so -10 begins with the tenth last.</param>
/// <param name="Since">Only entries of this time or later.</param>
/// <param name="Until">Only entries before this time.</param>
/// <param name="To">Only entries before this position.</param>
/// <param name="Follow">Goes on with what is added, until it is cancelled.</param>
/// <param name="Filter">Null: every entry.</param>
public sealed record ReplayLog(
    long From = 0,
    DateTimeOffset? Since = null,
    DateTimeOffset? Until = null,
    long? To = null,
    bool Follow = false,
    LogFilter? Filter = null) : IRequest<IAsyncEnumerable<LogEntry>>;

/// <summary>An entry as the HTTP API shows it.</summary>
/// <param name="Position">Its place in the log, from 0.</param>
/// <param name="Json">One JSON object, UTF-8, without line breaks.</param>
public sealed record LogEntry(long Position, ReadOnlyMemory<byte> Json);

/// <summary>Which entries: all that is given has to hold.</summary>
/// <param name="Module">A module's name in lower case.</param>
/// <param name="Type">A stored event name, or the beginning of one and <c>*</c>.</param>
/// <param name="Actor">Who acted.</param>
/// <param name="Subject">Whom it was about.</param>
/// <param name="Session">The acting session.</param>
/// <param name="Organization">The organization the request acted in.</param>
/// <param name="Ip">An address or a network in CIDR form.</param>
/// <param name="Outcome"><c>success</c> or <c>refused</c>.</param>
/// <param name="Words">Words as in a web search.</param>
public sealed record LogFilter(
    string? Module = null,
    string? Type = null,
    string? Actor = null,
    string? Subject = null,
    string? Session = null,
    string? Organization = null,
    string? Ip = null,
    string? Outcome = null,
    string? Words = null);
