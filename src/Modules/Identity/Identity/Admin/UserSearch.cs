using System.Globalization;

namespace Modular.Identity;

/// <summary>A search in SQL: whitelisted columns and operators, every value a parameter.</summary>
/// <param name="Where">With <c>$1</c>…; empty: everybody.</param>
internal sealed record UserSearch(string Where, IReadOnlyList<object> Values, string OrderBy, long Limit, long Offset)
{
    /// <summary>As many as Better Auth lists without a limit.</summary>
    private const int UsualLimit = 100;

    /// <summary>Nobody reads more at once, and the answer is made in memory.</summary>
    private const int HighestLimit = 1000;

    public static readonly string[] Patterns = ["contains", "starts_with", "ends_with"];

    public static readonly string[] Operators = ["eq", "ne", "lt", "lte", "gt", "gte", "in", "not_in", "contains", "starts_with", "ends_with"];

    private enum Kind
    {
        Text,
        Bool,
        Time,
    }

    private static readonly Dictionary<string, (string Name, Kind Kind)> Columns = new()
    {
        ["id"] = ("id", Kind.Text),
        ["name"] = ("name", Kind.Text),
        ["email"] = ("email", Kind.Text),
        ["emailVerified"] = ("email_verified", Kind.Bool),
        ["image"] = ("image", Kind.Text),
        ["createdAt"] = ("created_at", Kind.Time),
        ["updatedAt"] = ("updated_at", Kind.Time),
        ["role"] = ("role", Kind.Text),
        ["banned"] = ("banned", Kind.Bool),
        ["banReason"] = ("ban_reason", Kind.Text),
        ["banExpires"] = ("ban_expires", Kind.Time),
        ["twoFactorEnabled"] = ("two_factor_enabled", Kind.Bool),
        ["username"] = ("username", Kind.Text),
        ["displayUsername"] = ("display_username", Kind.Text),
        ["isAnonymous"] = ("is_anonymous", Kind.Bool),
    };

    /// <summary>Null: it names a column that there is not, or compares it with what cannot be compared.</summary>
    public static UserSearch? Of(ListUsers.Request wish)
    {
        var (terms, values) = (new List<string>(), new List<object>());
        if (!string.IsNullOrEmpty(wish.SearchValue)
            && !Add(terms, values, wish.SearchField ?? "email", wish.SearchOperator ?? "contains", [wish.SearchValue]))
            return null;
        if (wish.FilterValue is { } filter && !Add(terms, values, wish.FilterField ?? "email", wish.FilterOperator ?? "eq", filter))
            return null;
        var (column, direction) = ("id", wish.SortDirection == "desc" && !string.IsNullOrEmpty(wish.SortBy) ? "desc" : "asc");
        if (!string.IsNullOrEmpty(wish.SortBy))
        {
            if (!Columns.TryGetValue(wish.SortBy, out var sorted))
                return null;
            column = sorted.Name;
        }

        if (wish.Limit < 0 || wish.Offset < 0 || wish.Offset > int.MaxValue)
            return null;
        var order = column == "id" ? $"id {direction}" : $"{column} {direction}, id {direction}";
        return new(string.Join(" and ", terms), values, order, (long)Math.Min(wish.Limit ?? UsualLimit, HighestLimit), (long)(wish.Offset ?? 0));
    }

    /// <summary>As JavaScript reads one: what is none, or 0, is as good as absent.</summary>
    public static double? Number(string? text) =>
        double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out var number) && double.IsFinite(number) && number != 0 ? number : null;

    private static bool Add(List<string> terms, List<object> values, string field, string comparison, IReadOnlyList<string> given)
    {
        if (!Columns.TryGetValue(field, out var column))
            return false;
        var isSet = comparison is "in" or "not_in";
        if ((given.Count != 1 && !isSet) || (column.Kind != Kind.Text && Patterns.Contains(comparison)))
            return false;
        if (given.Select(text => Value(column.Kind, text)).ToList() is var parsed && parsed.Contains(null))
            return false;
        var at = $"${values.Count + 1}";
        terms.Add(comparison switch
        {
            "eq" => $"{column.Name} = {at}",
            "ne" => $"{column.Name} <> {at}",
            "lt" => $"{column.Name} < {at}",
            "lte" => $"{column.Name} <= {at}",
            "gt" => $"{column.Name} > {at}",
            "gte" => $"{column.Name} >= {at}",
            "in" => $"{column.Name} = any({at})",
            "not_in" => $"not ({column.Name} = any({at}))",
            _ => $"{column.Name} {(field == "email" ? "like" : "ilike")} {at}",
        });
        values.Add(isSet ? Array(column.Kind, parsed) : Patterns.Contains(comparison) ? Pattern(field, comparison, given[0]) : parsed[0]!);
        return true;
    }

    // Addresses are in lower case, so that the index on their beginnings serves.
    private static string Pattern(string field, string comparison, string text)
    {
        var sought = field == "email" ? text.ToLowerInvariant() : text;
        var escaped = sought.Replace(@"\", @"\\", StringComparison.Ordinal).Replace("%", @"\%", StringComparison.Ordinal).Replace("_", @"\_", StringComparison.Ordinal);
        return $"{(comparison == "starts_with" ? "" : "%")}{escaped}{(comparison == "ends_with" ? "" : "%")}";
    }

    private static object? Value(Kind kind, string text) => kind switch
    {
        Kind.Text => text,
        Kind.Bool => text == "true",
        _ => DateTimeOffset.TryParse(text, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal | DateTimeStyles.AdjustToUniversal, out var at) ? at.UtcDateTime : null,
    };

    private static object Array(Kind kind, List<object?> values) => kind switch
    {
        Kind.Text => values.Cast<string>().ToArray(),
        Kind.Bool => values.Cast<bool>().ToArray(),
        _ => values.Cast<DateTime>().ToArray(),
    };
}
