using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text.RegularExpressions;
using Microsoft.AspNetCore.Mvc;
using Modular.Audit.Contracts;
using Modular.Kernel;
using Modular.Store;
using Npgsql;
using NpgsqlTypes;

namespace Modular.Audit;

/// <summary>The filters of a query string, as they were written. All of them have to hold.</summary>
/// <param name="Module">A module's name in lower case.</param>
/// <param name="Type">A stored event name, or the beginning of one and <c>*</c>.</param>
/// <param name="Ip">An address or a network in CIDR form.</param>
/// <param name="Outcome"><c>success</c> or <c>refused</c>.</param>
/// <param name="Q">Words, "phrases", or, -not: over type, reason, stream, user agent and the event's own texts.</param>
/// <param name="UserAgent">Words of the user agent, all of them.</param>
/// <param name="Request">The id shared by everything one request caused.</param>
internal sealed partial record EntryFilterText(
    [FromQuery] string? Module = null,
    [FromQuery] string? Type = null,
    [FromQuery] string? Actor = null,
    [FromQuery] string? Subject = null,
    [FromQuery] string? Session = null,
    [FromQuery] string? Organization = null,
    [FromQuery] string? Ip = null,
    [FromQuery] string? Outcome = null,
    [FromQuery] string? Q = null,
    [FromQuery] string? Reason = null,
    [FromQuery] string? UserAgent = null,
    [FromQuery] string? Request = null,
    [FromQuery] string? Stream = null)
{
    private const int LongestWords = 1000;

    private static readonly Refusal InvalidFilter = Refusal.BadRequest("invalid_filter", "A filter is longer than any value, or holds a control character");
    private static readonly Refusal InvalidType = Refusal.BadRequest("invalid_type", "A type is a stored name such as session.started.1, or the beginning of one and *");
    private static readonly Refusal InvalidOutcome = Refusal.BadRequest("invalid_outcome", "An outcome is success or refused");
    private static readonly Refusal InvalidCidr = Refusal.BadRequest("invalid_cidr", "Not an address or a network such as 192.0.2.0/24");

    /// <summary>The filter, or what is wrong with it. An empty member filters nothing.</summary>
    public Outcome<EntryFilter> Read()
    {
        string?[] values = [Module, Type, Actor, Subject, Session, Organization, Reason, UserAgent, Request, Stream];
        if (values.Any(value => value?.Length > SearchRow.LongestValue || HasControl(value)) || Q?.Length > LongestWords || HasControl(Q))
            return InvalidFilter;
        if (Given(Type) is { } type && !TypePattern().IsMatch(type))
            return InvalidType;
        if (Given(Outcome) is not (null or "success" or "refused"))
            return InvalidOutcome;
        if (Given(Ip) is { } ip && !IsNetwork(ip))
            return InvalidCidr;
        return new EntryFilter
        {
            Module = Given(Module),
            Type = Given(Type),
            Actor = Given(Actor),
            Subject = Given(Subject),
            Session = Given(Session),
            Organization = Given(Organization),
            Ip = Given(Ip),
            Outcome = Given(Outcome),
            Words = Given(Q),
            Reason = Given(Reason),
            UserAgent = Given(UserAgent),
            Request = Given(Request),
            Stream = Given(Stream),
        };
    }

    [GeneratedRegex(@"^[a-z0-9_.]*\*?$", RegexOptions.CultureInvariant)]
    private static partial Regex TypePattern();

    private static string? Given(string? text) => string.IsNullOrWhiteSpace(text) ? null : text.Trim();

    private static bool HasControl(string? text) => text?.Any(char.IsControl) == true;

    // Strict, because 10.1 is an address to some parsers and a network to others.
    private static bool IsNetwork(string text)
    {
        var parts = text.Split('/');
        if (parts.Length > 2 || parts[0].Contains('%', StringComparison.Ordinal) || !IPAddress.TryParse(parts[0], out var address))
            return false;
        var isV4 = address.AddressFamily == AddressFamily.InterNetwork;
        if (isV4 && parts[0] != address.ToString())
            return false;
        return parts.Length == 1
            || (int.TryParse(parts[1], NumberStyles.None, CultureInfo.InvariantCulture, out var bits) && bits <= (isV4 ? 32 : 128));
    }
}

/// <summary>Which entries are meant, as conditions on <c>audit.search s</c>.</summary>
internal sealed record EntryFilter
{
    public string? Module { get; init; }

    public string? Type { get; init; }

    public string? Actor { get; init; }

    public string? Subject { get; init; }

    public string? Session { get; init; }

    public string? Organization { get; init; }

    public string? Ip { get; init; }

    public string? Outcome { get; init; }

    public string? Words { get; init; }

    public string? Reason { get; init; }

    public string? UserAgent { get; init; }

    public string? Request { get; init; }

    public string? Stream { get; init; }

    /// <summary>One of these; null: any.</summary>
    public IReadOnlyList<string>? Types { get; init; }

    /// <summary>Only what became of organizations, their members, teams and roles.</summary>
    public bool IsOfOrganizations { get; init; }

    /// <summary>Not before this time.</summary>
    public DateTimeOffset? Since { get; init; }

    /// <summary>Before this time.</summary>
    public DateTimeOffset? Until { get; init; }

    /// <summary>Not before this position.</summary>
    public long? From { get; init; }

    /// <summary>Before this position.</summary>
    public long? To { get; init; }

    /// <summary>Whether every entry is meant, so that the log need not be joined with what is searched.</summary>
    public bool IsEverything => this with { From = null, To = null } == new EntryFilter();

    public LogFilter ToContract() =>
        new(Module, Type, Actor, Subject, Session, Organization, Ip, Outcome, Words, Reason, UserAgent, Request, Stream);

    public static EntryFilter Of(LogFilter? wanted) => wanted is null ? new EntryFilter() : new EntryFilter
    {
        Module = wanted.Module,
        Type = wanted.Type,
        Actor = wanted.Actor,
        Subject = wanted.Subject,
        Session = wanted.Session,
        Organization = wanted.Organization,
        Ip = wanted.Ip,
        Outcome = wanted.Outcome,
        Words = wanted.Words,
        Reason = wanted.Reason,
        UserAgent = wanted.UserAgent,
        Request = wanted.Request,
        Stream = wanted.Stream,
    };

    /// <summary>Adds its parameters to a command and returns its conditions, each beginning with <c> and </c>.</summary>
    public string Conditions(PooledCommand command)
    {
        var sql = new List<string>();
        Add(Module, NpgsqlDbType.Text, "s.module = {0}");
        if (Type?.EndsWith('*') == true)
            AddPrefix(Type[..^1]);
        else
            Add(Type, NpgsqlDbType.Text, "s.type = {0}");
        Add(Types, NpgsqlDbType.Array | NpgsqlDbType.Text, "s.type = any ({0})");
        Add(Actor, NpgsqlDbType.Text, "s.actor = {0}");
        Add(Subject, NpgsqlDbType.Text, "s.subject = {0}");
        Add(Session, NpgsqlDbType.Text, "s.session = {0}");
        Add(Organization, NpgsqlDbType.Text, "s.organization = {0}");
        // The bounds are what an ordered index can use; the operator alone is planned for constants only.
        Add(Ip, NpgsqlDbType.Text, "s.ip <<= {0}::inet and s.ip between network({0}::inet)::inet and set_masklen(broadcast({0}::inet), case family({0}::inet) when 4 then 32 else 128 end)");
        if (Outcome is "refused")
            sql.Add("s.outcome = 'refused'");
        else
            Add(Outcome, NpgsqlDbType.Text, "s.outcome = {0}");
        Add(Words is null ? null : SearchRow.Split(Words), NpgsqlDbType.Text, "to_tsvector('simple', s.words) @@ websearch_to_tsquery('simple', {0})");
        Add(Reason, NpgsqlDbType.Text, "s.reason = {0}");
        Add(Request, NpgsqlDbType.Text, "s.request = {0}");
        Add(Stream, NpgsqlDbType.Text, "s.stream = {0}");
        // The index of all words finds few, of which those count whose user agent has them.
        Add(UserAgent is null ? null : SearchRow.Split(UserAgent), NpgsqlDbType.Text,
            "to_tsvector('simple', s.words) @@ plainto_tsquery('simple', {0}) and to_tsvector('simple', translate(s.user_agent, '/@', '  ')) @@ plainto_tsquery('simple', {0})");
        if (IsOfOrganizations)
            sql.Add(LogSchema.OfOrganizations);
        Add(Since?.UtcDateTime, NpgsqlDbType.TimestampTz, "s.time >= {0}");
        Add(Until?.UtcDateTime, NpgsqlDbType.TimestampTz, "s.time < {0}");
        Add(From, NpgsqlDbType.Bigint, "s.position >= {0}");
        Add(To, NpgsqlDbType.Bigint, "s.position < {0}");
        return string.Concat(sql.Select(condition => $" and {condition}"));

        void Add(object? value, NpgsqlDbType type, string condition)
        {
            if (value is null)
                return;
            command.Parameters.Add(new NpgsqlParameter { Value = value, NpgsqlDbType = type });
            sql.Add(string.Format(CultureInfo.InvariantCulture, condition, $"${command.Parameters.Count}"));
        }

        // The next text after all that begin so: the column is ordered byte by byte.
        void AddPrefix(string prefix)
        {
            if (prefix.Length == 0)
                return;
            Add(prefix, NpgsqlDbType.Text, "s.type >= {0}");
            Add(prefix[..^1] + (char)(prefix[^1] + 1), NpgsqlDbType.Text, "s.type < {0}");
        }
    }
}

/// <summary>The part of the log that is searched, as it was written.</summary>
/// <param name="From">Not before this time.</param>
/// <param name="To">Before this time.</param>
/// <param name="FromPosition">Not before this position.</param>
/// <param name="ToPosition">Before this position.</param>
internal sealed record EntryRange(
    [FromQuery] string? From = null,
    [FromQuery] string? To = null,
    [FromQuery] string? FromPosition = null,
    [FromQuery] string? ToPosition = null)
{
    public Outcome<EntryFilter> Narrow(Outcome<EntryFilter> filter)
    {
        if (filter.Refusal is not null)
            return filter;
        if (!EntryBounds.TryTime(From, out var since) || !EntryBounds.TryTime(To, out var until))
            return EntryBounds.InvalidTime;
        if (!EntryBounds.TryPosition(FromPosition, out var start) || !EntryBounds.TryPosition(ToPosition, out var end))
            return EntryBounds.InvalidCursor;
        return filter.Answer with { Since = since, Until = until, From = start, To = end };
    }
}
