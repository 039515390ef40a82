using Modular.Kernel;

namespace Modular.Identity;

/// <summary>What a role may be called: in lower case, and never so that one name could be read as two.</summary>
internal static class RoleNames
{
    public const int Longest = 64;

    /// <summary>Members hold their roles joined by commas, and spaces around a name are easily dropped on the way.</summary>
    public static string? Check(WireBody body, string member, string? name)
    {
        if (name is null)
            return null;
        var lower = name.ToLowerInvariant();
        if (lower.Length is 0 or > Longest || lower.Contains(',', StringComparison.Ordinal) || lower != lower.Trim() || lower.Any(char.IsControl))
            body.Fail(member, $"Invalid input: expected 1 to {Longest} characters without commas or outer spaces");
        return lower;
    }
}

/// <summary>Which role a request means, by name or by id.</summary>
internal sealed record RoleKey(string? Name, string? Id)
{
    /// <summary>One of <c>roleName</c> and <c>roleId</c>, not empty; the name wins.</summary>
    public static RoleKey Read(WireBody body)
    {
        var (name, id) = (Text(body, "roleName"), Text(body, "roleId"));
        if (name is null && id is null)
            body.Fail("", "Invalid input");
        return new(name, id);
    }

    public bool Names(OrganizationRole role) => Name is { } name ? role.Role == name : role.Id == Id;

    private static string? Text(WireBody body, string member) =>
        body.Member(member) is { ValueKind: System.Text.Json.JsonValueKind.String } && body.OptionalString(member) is { Length: > 0 } text ? text : null;
}
