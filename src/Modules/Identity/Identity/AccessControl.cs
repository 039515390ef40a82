namespace Modular.Identity;

/// <summary>
/// What may be done with which resource: <c>member: create, update</c>. What a role holds, and what a request asks for, are
/// written alike (contract §7.1, §7.2).
/// </summary>
internal sealed class Statements
{
    private readonly Dictionary<string, IReadOnlySet<string>> actions;

    public Statements(IEnumerable<KeyValuePair<string, IReadOnlyList<string>>> statements) => actions = statements
        .ToDictionary(statement => statement.Key, IReadOnlySet<string> (statement) => statement.Value.ToHashSet());

    public static Statements Of(params IReadOnlyList<(string Resource, string[] Actions)> statements) =>
        new(statements.Select(statement => KeyValuePair.Create<string, IReadOnlyList<string>>(statement.Resource, statement.Actions)));

    public IEnumerable<string> Resources => actions.Keys;

    public IReadOnlySet<string> ActionsOf(string resource) => actions.GetValueOrDefault(resource) ?? new HashSet<string>();

    /// <summary>Whether everything that is asked for is held. Whoever asks for nothing is refused.</summary>
    public bool Hold(Statements wanted) => wanted.actions.Count > 0
        && wanted.actions.All(statement => ActionsOf(statement.Key).IsSupersetOf(statement.Value));
}

/// <summary>Whether roles are enough for a request.</summary>
internal static class AccessControl
{
    /// <summary>Granted when one role alone holds everything that is asked for: rights of two roles do not add up (contract §7.1).</summary>
    public static bool Grants(IEnumerable<Statements> roles, Statements wanted) => roles.Any(role => role.Hold(wanted));
}
