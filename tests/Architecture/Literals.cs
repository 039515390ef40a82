namespace Modular.Architecture;

/// <summary>A string literal of a source file, holes of an interpolated one included.</summary>
internal sealed record Literal(int Position, string Text);

/// <summary>
/// Finds the string literals of a C# file, and its code without them. Knows comments, characters, and quoted, verbatim,
/// raw and interpolated strings.
/// </summary>
internal static class Literals
{
    public static IReadOnlyList<Literal> Of(string source) => Split(source).Literals;

    /// <summary>The same text with comments and the insides of literals blanked, line breaks kept.</summary>
    public static string CodeOf(string source) => Split(source).Code;

    private static (IReadOnlyList<Literal> Literals, string Code) Split(string source)
    {
        var literals = new List<Literal>();
        var code = source.ToCharArray();
        for (var at = 0; at < source.Length;)
        {
            var end = CommentEnd(source, at);
            if (end == at && StringEnd(source, at, out var start, out var close) is var found && found > at)
            {
                end = found;
                literals.Add(new Literal(start, source[start..close]));
            }

            if (end == at)
                end = CharacterEnd(source, at);
            for (var blank = at; blank < end; blank++)
                code[blank] = source[blank] is '\n' ? '\n' : ' ';
            at = Math.Max(end, at + 1);
        }

        return (literals, new string(code));
    }

    private static int CommentEnd(string source, int at)
    {
        if (Is(source, at, "//"))
            return source.IndexOf('\n', at) is >= 0 and var line ? line : source.Length;
        return Is(source, at, "/*") ? After(source, at + 2, "*/") : at;
    }

    private static int StringEnd(string source, int at, out int start, out int close)
    {
        (start, close) = (at, at);
        var quote = at;
        while (quote < source.Length && source[quote] is '$' or '@')
            quote++;
        if (quote >= source.Length || source[quote] != '"')
            return at;
        var prefix = source[at..quote];
        var quotes = 0;
        while (quote + quotes < source.Length && source[quote + quotes] == '"')
            quotes++;
        if (quotes >= 3 && !prefix.Contains('@'))
            return RawEnd(source, quote + quotes, quotes, out start, out close);
        return QuotedEnd(source, quote + 1, isVerbatim: prefix.Contains('@'), hasHoles: prefix.Contains('$'), out start, out close);
    }

    private static int RawEnd(string source, int from, int quotes, out int start, out int close)
    {
        start = from;
        var end = After(source, from, new string('"', quotes));
        // More quotes than needed belong to the text before the last of them.
        while (end < source.Length && source[end] == '"')
            end++;
        close = Math.Max(from, end - quotes);
        return end;
    }

    private static int QuotedEnd(string source, int from, bool isVerbatim, bool hasHoles, out int start, out int close)
    {
        (start, close) = (from, source.Length);
        var depth = 0;
        for (var at = from; at < source.Length; at++)
        {
            var character = source[at];
            if (hasHoles && character is '{' or '}' && !(depth == 0 && Is(source, at, new string(character, 2))))
                depth = Math.Max(0, depth + (character == '{' ? 1 : -1));
            else if (hasHoles && depth == 0 && character is '{' or '}')
                at++;
            else if (depth > 0 && StringEnd(source, at, out _, out _) is var inner && inner > at)
                at = inner - 1;
            else if (depth == 0 && !isVerbatim && character == '\\')
                at++;
            else if (depth == 0 && isVerbatim && Is(source, at, "\"\""))
                at++;
            else if (depth == 0 && character == '"')
            {
                close = at;
                return at + 1;
            }
        }

        return source.Length;
    }

    private static int CharacterEnd(string source, int at)
    {
        if (source[at] != '\'')
            return at;
        var end = source.IndexOf('\'', at + (Is(source, at + 1, "\\") ? 3 : 2));
        return end < 0 ? source.Length : end + 1;
    }

    private static bool Is(string source, int at, string text) => string.CompareOrdinal(source, at, text, 0, text.Length) == 0;

    private static int After(string source, int from, string text) =>
        source.IndexOf(text, Math.Min(from, source.Length), StringComparison.Ordinal) is >= 0 and var found ? found + text.Length : source.Length;
}
