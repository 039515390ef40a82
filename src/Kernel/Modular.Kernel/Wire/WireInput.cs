namespace Modular.Kernel;

/// <summary>A member of the input of a route of the auth surface.</summary>
/// <param name="Name">As on the wire.</param>
/// <param name="Source"><c>body</c> or <c>query</c>.</param>
/// <param name="Type">As in JSON Schema; an array holds strings.</param>
/// <param name="IsNullable">Whether null is something else than absent.</param>
/// <param name="Format">As in JSON Schema.</param>
/// <param name="Options">Null: any value.</param>
public sealed record WireMember(
    string Name, string Source, string Type, bool IsRequired, bool IsNullable, string? Format, IReadOnlyList<string>? Options);

/// <summary>What a route of the auth surface reads: metadata of its endpoint.</summary>
public sealed class WireInput
{
    internal WireInput(Type type, Func<WireBody, object>? read, IReadOnlyList<string> mediaTypes) =>
        (Type, Read, MediaTypes) = (type, read, mediaTypes);

    /// <summary>Without any the input is the query.</summary>
    public IReadOnlyList<string> MediaTypes { get; }

    /// <summary>The parameter of the handler that the input is read into.</summary>
    internal Type Type { get; }

    internal Func<WireBody, object>? Read { get; }

    /// <summary>
    /// What the slice reads, found by letting it read an empty input: the record it makes has names of its own. Null
    /// when it takes the input as it is.
    /// </summary>
    public IReadOnlyList<WireMember>? Members()
    {
        if (Read is null)
            return null;
        var members = new List<WireMember>();
        Read(new WireBody(MediaTypes.Count > 0 ? "body" : "query", members));
        return members;
    }
}
