using System.Text.Json;
using Modular.Kernel;

namespace Modular.Identity;

/// <summary>What a role of an organization's own allows: resources and actions, as a client sends them.</summary>
internal sealed class Permission
{
    // There are five resources with four actions at most; what is longer is none of them.
    private const int MostStatements = 50;
    private const int MostActions = 50;

    private Permission(IReadOnlyDictionary<string, IReadOnlyList<string>> statements) => Statements = statements;

    public IReadOnlyDictionary<string, IReadOnlyList<string>> Statements { get; }

    /// <summary>Null when absent or wrong; what is wrong is told.</summary>
    /// <param name="path">As errors call it: <c>data.permission</c>.</param>
    public static Permission? Read(WireBody body, JsonElement? member, string path, bool required)
    {
        if (member is null && !required)
            return null;
        if (member is not { ValueKind: JsonValueKind.Object } given)
        {
            body.Fail(path, $"Invalid input: expected record, received {(member is { } value ? TeamNames.KindOf(value) : "undefined")}");
            return null;
        }

        var statements = new Dictionary<string, IReadOnlyList<string>>();
        foreach (var statement in given.EnumerateObject().Take(MostStatements + 1))
            statements[statement.Name] = Actions(body, statement.Value, $"{path}.{statement.Name}");
        if (statements.Count > MostStatements)
            body.Fail(path, $"Too big: expected record to have <={MostStatements} entries");
        return new(statements);
    }

    public static Permission Parse(string json) =>
        new(JsonSerializer.Deserialize<Dictionary<string, IReadOnlyList<string>>>(json)!);

    public string ToJson() => JsonSerializer.Serialize(Statements);

    /// <summary>Only what exists can be allowed.</summary>
    public bool HasUnknownResource() => Statements.Keys.Except(OrganizationRoles.All.Resources).Any();

    /// <summary>What of this a member does not hold themselves, and so cannot give to others: <c>member:update</c>.</summary>
    public IReadOnlyList<string> MissingOf(OrganizationAccess actor) =>
    [
        .. Statements.SelectMany(statement => statement.Value
            .Where(action => !actor.May(statement.Key, action))
            .Select(action => $"{statement.Key}:{action}")),
    ];

    private static IReadOnlyList<string> Actions(WireBody body, JsonElement value, string path)
    {
        if (value.ValueKind != JsonValueKind.Array)
        {
            body.Fail(path, $"Invalid input: expected array, received {TeamNames.KindOf(value)}");
            return [];
        }

        var actions = new List<string>();
        foreach (var action in value.EnumerateArray().Take(MostActions + 1))
        {
            if (action.ValueKind == JsonValueKind.String)
                actions.Add(action.GetString()!);
            else
                body.Fail($"{path}.{actions.Count}", $"Invalid input: expected string, received {TeamNames.KindOf(action)}");
        }

        if (actions.Count > MostActions)
            body.Fail(path, $"Too big: expected array to have <={MostActions} items");
        return [.. actions.Distinct()];
    }
}
