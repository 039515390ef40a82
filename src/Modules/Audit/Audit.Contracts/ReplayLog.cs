using MediatR;

namespace Modular.Audit.Contracts;

/// <summary>Streams the log, oldest entry first; personal data in clear where its key still exists.</summary>
/// <param name="From">The first position; below zero it counts from the end what passes the filter, so -10 begins with the tenth last.</param>
/// <param name="Since">Only entries of this time or later.</param>
/// <param name="Until">Only entries before this time.</param>
/// <param name="To">Only entries before this position.</param>
/// <param name="Follow">Goes on with what is added, until it is cancelled.</param>
/// <param name="Filter">Null: every entry.</param>
/// <param name="Format">What each entry is written as.</param>
/// <param name="Speed">So many times faster than it happened; null: as fast as it is read.</param>
/// <param name="Rate">So many entries a second; null: as fast as they are read.</param>
public sealed record ReplayLog(
    long From = 0,
    DateTimeOffset? Since = null,
    DateTimeOffset? Until = null,
    long? To = null,
    bool Follow = false,
    LogFilter? Filter = null,
    LogFormat Format = LogFormat.Json,
    double? Speed = null,
    double? Rate = null) : IRequest<IAsyncEnumerable<LogEntry>>;

/// <summary>What an entry is written as.</summary>
public enum LogFormat
{
    /// <summary>A JSON object, as in lists.</summary>
    Json,

    /// <summary>A record of RFC 4180 without its line break; the columns are <see cref="LogEntry.CsvHeader"/>.</summary>
    Csv,

    /// <summary>A JSON object of CloudEvents 1.0.</summary>
    CloudEvents,
}

/// <summary>An entry as the HTTP API shows it.</summary>
/// <param name="Position">Its place in the log, from 0.</param>
/// <param name="Text">In the format that was asked for, UTF-8; JSON has no line breaks.</param>
public sealed record LogEntry(long Position, ReadOnlyMemory<byte> Text)
{
    public const string CsvHeader = "position,id,time,module,type,outcome,reason,actor,subject,session,organization,ip,userAgent,request,cause,stream,data";
}

/// <summary>Which entries: all that is given has to hold.</summary>
/// <param name="Module">A module's name in lower case.</param>
/// <param name="Type">A stored event name, or the beginning of one and <c>*</c>.</param>
/// <param name="Actor">Who acted.</param>
/// <param name="Subject">Whom it was about.</param>
/// <param name="Session">The acting session.</param>
/// <param name="Organization">The organization it was about, or else the one that was acted in.</param>
/// <param name="Ip">An address or a network in CIDR form.</param>
/// <param name="Outcome"><c>success</c> or <c>refused</c>.</param>
/// <param name="Words">Words as in a web search.</param>
/// <param name="Reason">Its reason, as a code.</param>
/// <param name="UserAgent">Words of the client's user agent.</param>
/// <param name="Request">The id shared by everything one request caused.</param>
/// <param name="Stream">The key of the stream of the event.</param>
public sealed record LogFilter(
    string? Module = null,
    string? Type = null,
    string? Actor = null,
    string? Subject = null,
    string? Session = null,
    string? Organization = null,
    string? Ip = null,
    string? Outcome = null,
    string? Words = null,
    string? Reason = null,
    string? UserAgent = null,
    string? Request = null,
    string? Stream = null);
