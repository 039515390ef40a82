using System.Globalization;
using System.Text;

namespace Modular.Profiles;

/// <summary>Writes office sessions as RFC 5545 has them: times in UTC, text escaped, lines of at most 75 octets, ended by CRLF.</summary>
internal static class Icalendar
{
    public const string ContentType = "text/calendar; charset=utf-8";

    private const int LongestLine = 75;

    /// <param name="sessions">What is in it.</param>
    /// <param name="reader">Whose calendar it is; null: of neither side.</param>
    /// <param name="names">Of those who take part, by id.</param>
    /// <param name="host">Where the ids are unique.</param>
    public static string Of(IEnumerable<OfficeSession> sessions, string? reader, IReadOnlyDictionary<string, string> names, string host)
    {
        var text = new StringBuilder();
        Property(text, "BEGIN", "VCALENDAR");
        Line(text, "VERSION:2.0");
        Line(text, "PRODID:-//Modular//Office sessions//EN");
        Property(text, "CALSCALE", "GREGORIAN");
        foreach (var session in sessions)
            Event(text, session, reader, names, host);
        Property(text, "END", "VCALENDAR");
        return text.ToString();
    }

    /// <summary>RFC 5545 §3.3.11; what is no character of a text is left out.</summary>
    internal static string Escaped(string text)
    {
        var escaped = new StringBuilder(text.Length);
        foreach (var character in text.ReplaceLineEndings("\n"))
        {
            _ = character switch
            {
                '\\' or ';' or ',' => escaped.Append('\\').Append(character),
                '\n' => escaped.Append("\\n"),
                '\t' => escaped.Append(character),
                _ when char.IsControl(character) => escaped,
                _ => escaped.Append(character),
            };
        }

        return escaped.ToString();
    }

    /// <summary>RFC 5545 §3.1: octets are counted, and no character is divided.</summary>
    internal static void Line(StringBuilder text, string content)
    {
        var octets = 0;
        foreach (var rune in content.EnumerateRunes())
        {
            if (octets + rune.Utf8SequenceLength > LongestLine)
            {
                text.Append("\r\n ");
                octets = 1;
            }

            text.Append(rune);
            octets += rune.Utf8SequenceLength;
        }

        text.Append("\r\n");
    }

    private static void Property(StringBuilder text, string name, string value) => Line(text, $"{name}:{value}");

    private static void Event(StringBuilder text, OfficeSession session, string? reader, IReadOnlyDictionary<string, string> names, string host)
    {
        var other = reader is null ? null : session.OtherThan(reader);
        var with = other is not null && names.TryGetValue(other, out var name) ? $" with {name}" : "";
        Property(text, "BEGIN", "VEVENT");
        Line(text, $"UID:{session.Id}@{host}");
        Line(text, $"DTSTAMP:{Time(session.UpdatedAt)}");
        Line(text, $"CREATED:{Time(session.RequestedAt)}");
        Line(text, $"LAST-MODIFIED:{Time(session.UpdatedAt)}");
        Line(text, $"DTSTART:{Time(session.StartsAt)}");
        Line(text, $"DTEND:{Time(session.EndsAt)}");
        Line(text, $"SEQUENCE:{(session.Version - 1).ToString(CultureInfo.InvariantCulture)}");
        Line(text, $"STATUS:{Status(session.Status)}");
        Line(text, $"SUMMARY:{Escaped($"Office session{with}")}");
        if (session.Topic is { Length: > 0 } topic)
            Line(text, $"DESCRIPTION:{Escaped(topic)}");
        Property(text, "END", "VEVENT");
    }

    private static string Status(OfficeSessionStatus status) => status switch
    {
        OfficeSessionStatus.Requested => "TENTATIVE",
        OfficeSessionStatus.Declined or OfficeSessionStatus.Cancelled => "CANCELLED",
        _ => "CONFIRMED",
    };

    private static string Time(DateTimeOffset at) => at.UtcDateTime.ToString("yyyyMMdd'T'HHmmss'Z'", CultureInfo.InvariantCulture);
}
