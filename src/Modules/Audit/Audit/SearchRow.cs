using System.Net;
using System.Text;
using System.Text.Json;
using Modular.Store;

namespace Modular.Audit;

/// <summary>What <c>audit.search</c> holds of an entry: made by sealing and by a rebuild from the same bytes alike.</summary>
internal sealed record SearchRow(
    long Position,
    DateTimeOffset Time,
    string Module,
    string Type,
    string Outcome,
    string? Reason,
    string? Actor,
    string? Subject,
    string? Session,
    string? Organization,
    string? Ip,
    string? UserAgent,
    string? Request,
    string Stream,
    string Words)
{
    public const string Columns =
        "position, time, module, type, outcome, reason, actor, subject, session, organization, ip, user_agent, request, stream, words";

    /// <summary>An index holds no more of a value, and no id of ours is longer.</summary>
    public const int LongestValue = 256;

    // The organization is the one that it was about, or else the one that was acted in. Nothing an event says may stop the log: what a column cannot hold is cut or left out here.
    public static SearchRow Of(long position, CanonicalEvent e) => new(
        position,
        e.Time,
        e.Module,
        e.Type,
        e.Outcome,
        Value(e.Reason),
        Value(e.Actor),
        Value(e.Subject),
        Value(e.Session),
        Value(DataText(e, "organizationId") ?? e.Organization),
        Address(e.IpAddress) ?? (e.Type == RefusalRegistration.RequestsRefused ? DataText(e, "network") : null),
        Value(e.UserAgent, 1024),
        Value(e.Request),
        Value(e.Stream)!,
        WordsOf(e));

    /// <summary>Those of a query that answers positions and canonical bytes.</summary>
    public static async Task<List<SearchRow>> Read(PooledCommand command, CanonicalEvents events, CancellationToken ct)
    {
        var positions = new List<long>();
        var canonical = new List<ReadOnlyMemory<byte>>();
        await using (var row = await command.ExecuteReaderAsync(ct))
        {
            while (await row.ReadAsync(ct))
            {
                positions.Add(row.GetInt64(0));
                canonical.Add(row.GetFieldValue<byte[]>(1));
            }
        }

        return [.. (await events.Open(canonical, ct)).Select((e, at) => Of(positions[at], e))];
    }

    private static string? DataText(CanonicalEvent e, string member)
    {
        var json = new Utf8JsonReader(e.Data.Span);
        while (json.Read())
        {
            if (json.TokenType != JsonTokenType.PropertyName || json.CurrentDepth != 1)
                continue;
            var isWanted = json.ValueTextEquals(member);
            json.Read();
            if (isWanted)
                return json.TokenType == JsonTokenType.String ? json.GetString() : null;
            json.Skip();
        }

        return null;
    }

    // PostgreSQL's inet knows no zone (fe80::1%eth0).
    private static string? Address(string? text) =>
        text?.Contains('%', StringComparison.Ordinal) == false && IPAddress.TryParse(text, out var ip) ? ip.ToString() : null;

    private static string? Value(string? text, int longest = LongestValue)
    {
        if (text is null)
            return null;
        // PostgreSQL's text holds no NUL, and half a surrogate pair is no UTF-8.
        var clean = text.Contains('\0', StringComparison.Ordinal) ? text.Replace('\0', ' ') : text;
        if (clean.Length <= longest)
            return clean;
        return clean[..(char.IsHighSurrogate(clean[longest - 1]) ? longest - 1 : longest)];
    }

    /// <summary>Texts and questions are split alike: to the parser Firefox/140 is a file and ada@example.com one word.</summary>
    public static string Split(string text) => text.Replace('/', ' ').Replace('@', ' ');

    // Everything a person may remember of an entry: no times, ids and hashes. Those have filters of their own, and as
    // words of which each is seen once they would be most of the index.
    private static string WordsOf(CanonicalEvent e)
    {
        var words = new StringBuilder();
        Add(words, e.Type.Replace('.', ' '));
        Add(words, e.Reason);
        Add(words, IsId(e.Stream) ? null : e.Stream);
        Add(words, e.UserAgent);
        var json = new Utf8JsonReader(e.Data.Span);
        while (json.Read())
        {
            if (json.TokenType == JsonTokenType.String && !json.TryGetDateTimeOffset(out _) && json.GetString() is { } text && !IsId(text))
                Add(words, text);
        }

        return Split(Value(words.ToString(), int.MaxValue)!);
    }

    private static bool IsId(string text) => text.Length >= 32 && text.All(char.IsAsciiHexDigit);

    private static void Add(StringBuilder words, string? text)
    {
        if (string.IsNullOrEmpty(text))
            return;
        if (words.Length > 0)
            words.Append(' ');
        words.Append(text);
    }
}
