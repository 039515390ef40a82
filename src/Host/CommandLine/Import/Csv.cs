using System.Text;
using System.Text.Json.Nodes;

namespace Modular.Host.CommandLine;

/// <summary>CSV as RFC 4180 has it; the first line names the columns.</summary>
internal static class Csv
{
    public static IEnumerable<JsonObject> Read(string content)
    {
        string[]? names = null;
        foreach (var record in Records(content.TrimStart('\uFEFF')))
        {
            if (names is null)
            {
                names = [.. record];
                continue;
            }

            var row = new JsonObject();
            for (var at = 0; at < names.Length && at < record.Count; at++)
            {
                // An empty field is an absent one.
                if (record[at].Length > 0)
                    row[names[at]] = record[at];
            }

            yield return row;
        }
    }

    private static IEnumerable<List<string>> Records(string content)
    {
        var (record, field, isQuoted) = (new List<string>(), new StringBuilder(), false);
        for (var at = 0; at < content.Length; at++)
        {
            switch (content[at])
            {
                case '"' when isQuoted && at + 1 < content.Length && content[at + 1] == '"':
                    field.Append(content[++at]);
                    break;
                case '"':
                    isQuoted = !isQuoted;
                    break;
                case ',' when !isQuoted:
                    record.Add(Take(field));
                    break;
                case '\r' when !isQuoted:
                    break;
                case '\n' when !isQuoted:
                    record.Add(Take(field));
                    if (record is not [""])
                        yield return record;
                    record = [];
                    break;
                default:
                    field.Append(content[at]);
                    break;
            }
        }

        record.Add(Take(field));
        if (record is not [""])
            yield return record;
    }

    private static string Take(StringBuilder field)
    {
        var text = field.ToString();
        field.Clear();
        return text;
    }
}
