using System.Text;
using Modular.Testing;

namespace Modular.Identity.Tests;

/// <summary>What of a person is looked for, and where: in any case and however it may have been written.</summary>
internal sealed class Traces
{
    private readonly Dictionary<string, string> _forms = [];

    /// <summary>As it was typed.</summary>
    public IReadOnlyList<string> Texts => _texts;

    private readonly List<string> _texts = [];

    public void Add(params ReadOnlySpan<string> texts)
    {
        foreach (var text in texts)
        {
            Assert.True(text.Length >= 8, $"'{text}' is too short to be looked for");
            _texts.Add(text);
            foreach (var (form, written) in Forms(text))
                _forms.TryAdd(written, $"{text}, {form}");
        }
    }

    /// <summary>What is found.</summary>
    public IReadOnlyList<string> In(string text)
    {
        var lower = text.ToLowerInvariant();
        return [.. _forms.Where(form => (form.Key.StartsWith('=') ? text : lower).Contains(form.Key.TrimStart('='), StringComparison.Ordinal)).Select(form => form.Value)];
    }

    // Base64 tells cases apart; it is marked with an equals sign.
    private static IEnumerable<(string Form, string Text)> Forms(string text)
    {
        yield return ("as it is", text.ToLowerInvariant());
        yield return ("percent-encoded", Uri.EscapeDataString(text).ToLowerInvariant());
        yield return ("escaped for JSON", System.Text.Json.JsonEncodedText.Encode(text).ToString().ToLowerInvariant());
        foreach (var written in (string[])[text, text.ToLowerInvariant()])
        {
            foreach (var encoding in (Encoding[])[Encoding.UTF8, Encoding.Unicode, Encoding.BigEndianUnicode])
                yield return ($"in hex of {encoding.WebName}", Convert.ToHexStringLower(encoding.GetBytes(written)));
            var bytes = Encoding.UTF8.GetBytes(written);
            for (var offset = 0; offset < 3; offset++)
            {
                var padded = new byte[offset + bytes.Length];
                bytes.CopyTo(padded, offset);
                var encoded = Convert.ToBase64String(padded).TrimEnd('=');
                var inner = encoded[(offset == 0 ? 0 : offset + 1)..^(padded.Length % 3 == 0 ? 0 : 1)];
                yield return ("in base64", "=" + inner);
                yield return ("in base64url", "=" + inner.Replace('+', '-').Replace('/', '_'));
            }
        }
    }
}

/// <summary>A copy of a database in text.</summary>
internal static class FullCopy
{
    /// <summary>Every row of every table, whatever schema it is in, and the samples that PostgreSQL keeps of columns.</summary>
    public static async Task<string> Dump(this App app)
    {
        var copy = new StringBuilder();
        var tables = await app.Sql("""
            select format('%I.%I', n.nspname, c.relname) from pg_class c join pg_namespace n on n.oid = c.relnamespace
            where c.relkind in ('r', 'm') and n.nspname not in ('pg_catalog', 'information_schema') and n.nspname not like 'pg_toast%' order by 1
            """);
        Assert.True(tables.Count > 40, "there are more tables than that");
        foreach (var table in tables.Select(row => (string)row[0]!).Append("pg_catalog.pg_stats").Append("pg_catalog.pg_stats_ext_exprs").Append("pg_catalog.pg_largeobject"))
        {
            foreach (var row in await app.Sql($"select t::text from {table} t"))
                copy.Append(table).Append(' ').Append((string?)row[0]).Append('\n');
        }

        return copy.ToString();
    }

    /// <summary>Where a text stands, for the message of a test that has found one.</summary>
    public static string Where(this string copy, IReadOnlyList<string> found) => string.Join('\n', found.Select(what =>
    {
        var text = what.Split(", ")[0];
        var line = copy.Split('\n').FirstOrDefault(line => line.Contains(text, StringComparison.OrdinalIgnoreCase));
        return line is null ? what : $"{what}: {(line.Length > 700 ? line[..700] : line)}";
    }));
}
