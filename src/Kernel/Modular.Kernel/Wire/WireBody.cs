using System.Reflection;
using System.Text.Json;
using System.Text.RegularExpressions;
using Microsoft.AspNetCore.Http;

namespace Modular.Kernel;

/// <summary>
/// What a slice of the auth surface reads from the wire: <c>record Request(…) : IWireInput&lt;Request&gt;</c>, taken by the
/// handler as a parameter. Errors in the input are answered before the handler runs (contract §1, order of checks).
/// </summary>
/// <typeparam name="TSelf">The record itself.</typeparam>
public interface IWireInput<TSelf> : IBindableFromHttpContext<TSelf>
    where TSelf : class, IWireInput<TSelf>
{
    /// <summary>
    /// Reads every member, whether earlier ones were wrong or not, in the order in which errors are to be listed.
    /// The result is dropped when there are any.
    /// </summary>
    static abstract TSelf Read(WireBody body);

    static ValueTask<TSelf?> IBindableFromHttpContext<TSelf>.BindAsync(HttpContext context, ParameterInfo parameter) =>
        new((TSelf?)context.Items[typeof(TSelf)]);
}

/// <summary>A member that may be absent, null, or a value: three different wishes in an update.</summary>
/// <param name="IsPresent">Whether the client sent the member.</param>
/// <param name="Value">Null when absent or null.</param>
public readonly record struct WireValue<T>(bool IsPresent, T? Value);

/// <summary>
/// Body (or query) of a request to the auth surface, JSON or form alike. Getters collect their errors, in the words of the
/// contract's transcripts, and answer a default in place of a wrong value; see <see cref="Refusal"/>.
/// </summary>
public sealed partial class WireBody : IBindableFromHttpContext<WireBody>
{
    private readonly string source;
    private readonly Func<WireBody>? query;
    private readonly List<FieldError> errors;
    private readonly List<WireMember>? members;
    private readonly string path = "";

    internal WireBody(JsonElement root, string source, string expected = "object", Func<WireBody>? query = null)
    {
        (this.source, this.query, errors, Root) = (source, query, [], root);
        if (root.ValueKind != JsonValueKind.Object)
            Fail("", $"Invalid input: expected {expected}, received {KindOf(root)}");
    }

    /// <summary>An empty one that writes down what is read from it.</summary>
    internal WireBody(string source, List<WireMember> members)
        : this(JsonElement.Parse("{}"), source, query: () => new("query", members)) => this.members = members;

    private WireBody(WireBody query, List<FieldError> errors) =>
        (source, Root, members, this.errors) = (query.source, query.Root, query.members, errors);

    private WireBody(WireBody whole, string name, JsonElement part) =>
        (source, Root, errors, path) = (whole.source, part, whole.errors, $"{whole.path}{name}.");

    /// <summary>The whole input; every member a string where it came from a form or a query, or an array of strings where repeated.</summary>
    public JsonElement Root { get; }

    /// <summary>The query of the request; errors go into the same list, prefixed <c>query</c>. In a GET the input is the query already.</summary>
    public WireBody Query => query is null ? this : new(query(), errors);

    /// <summary>400 <c>VALIDATION_ERROR</c> with everything found wrong so far; null when nothing was.</summary>
    public Refusal? Refusal => errors.Count == 0 ? null : Kernel.Refusal.Invalid([.. errors]);

    /// <summary>The e-mail rule of the contract's validator: ASCII, a dot in the domain, no quoted parts.</summary>
    public static bool IsEmail(string text) => text.Length <= 320 && EmailPattern().IsMatch(text);

    public string RequiredString(string name) => Text(name, required: true) ?? "";

    /// <summary>Null when absent; a JSON null is an error.</summary>
    public string? OptionalString(string name) => Text(name, required: false);

    /// <summary>Absent, null and a string are all allowed.</summary>
    public WireValue<string> NullableString(string name)
    {
        Note(name, "string", isNullable: true);
        return Member(name) switch { null => default, { ValueKind: JsonValueKind.Null } => new(true, null), _ => new(true, Text(name, required: true)) };
    }

    public string RequiredEmail(string name) => Email(name, required: true) ?? "";

    public string? OptionalEmail(string name) => Email(name, required: false);

    public bool RequiredBool(string name) => Bool(name, required: true) ?? false;

    public bool? OptionalBool(string name) => Bool(name, required: false);

    public double? OptionalNumber(string name) => Typed(name, "number", required: false, JsonValueKind.Number)?.GetDouble();

    /// <summary>Absent, null and a number are all allowed.</summary>
    public WireValue<double?> NullableNumber(string name)
    {
        Note(name, "number", isNullable: true);
        return Member(name) switch
        {
            null => default,
            { ValueKind: JsonValueKind.Null } => new(true, null),
            _ => new(true, Typed(name, "number", required: true, JsonValueKind.Number)?.GetDouble()),
        };
    }

    /// <summary>One of a fixed set, case-sensitive.</summary>
    public string RequiredOneOf(string name, params IReadOnlyList<string> options) => OneOf(name, required: true, options) ?? "";

    /// <summary>One of a fixed set, or absent.</summary>
    public string? OptionalOneOf(string name, params IReadOnlyList<string> options) => OneOf(name, required: false, options);

    /// <summary>An array of strings; null when absent. A wrong element is named by its index (<c>scopes.0</c>).</summary>
    public IReadOnlyList<string>? OptionalStrings(string name)
    {
        if (Typed(name, "array", required: false, JsonValueKind.Array) is not { } array)
            return null;
        var elements = new List<string>();
        foreach (var element in array.EnumerateArray())
        {
            if (element.ValueKind != JsonValueKind.String)
                Fail($"{name}.{elements.Count}", $"Invalid input: expected string, received {KindOf(element)}");
            elements.Add(element.ValueKind == JsonValueKind.String ? element.GetString()! : "");
        }

        return elements;
    }

    /// <summary>An object, or absent.</summary>
    public JsonElement? OptionalObject(string name) => Typed(name, "object", required: false, JsonValueKind.Object);

    public JsonElement? RequiredObject(string name) => Typed(name, "object", required: true, JsonValueKind.Object);

    /// <summary>The members of a required object, named in errors by their path (<c>data.name</c>).</summary>
    public WireBody Within(string name) => new(this, name, RequiredObject(name) ?? default);

    /// <summary>Whether a query flag is on: any text but the empty one, contract §1 "Boolean query" (so <c>false</c> is on).</summary>
    public bool Flag(string name) => Text(name, required: false) is { Length: > 0 };

    /// <summary>The raw member; null when absent.</summary>
    public JsonElement? Member(string name) =>
        Root.ValueKind == JsonValueKind.Object && Root.TryGetProperty(name, out var member) ? member : null;

    /// <summary>Refuses members beside these, for the three endpoints with a strict body (contract §1 "Unknown members").</summary>
    public void Only(params IReadOnlyList<string> names)
    {
        if (Root.ValueKind != JsonValueKind.Object)
            return;
        var others = Root.EnumerateObject().Select(member => member.Name).Where(name => !names.Contains(name)).ToList();
        if (others.Count > 0)
            Fail("", $"Unrecognized key{(others.Count > 1 ? "s" : "")}: {string.Join(", ", others.Select(name => $"\"{name}\""))}");
    }

    /// <summary>Adds an error of the slice's own; an empty name means the whole input.</summary>
    public void Fail(string name, string message) => errors.Add(new(path + name, message, source));

    public static ValueTask<WireBody?> BindAsync(HttpContext context, ParameterInfo parameter) =>
        new((WireBody?)context.Items[typeof(WireBody)]);

    private string? Text(string name, bool required)
    {
        if (Typed(name, "string", required, JsonValueKind.String)?.GetString() is not { } text)
            return null;

        // PostgreSQL cannot store it, and no person typed it.
        return Checked(name, text, text => !text.Contains('\0'), "Invalid input: unexpected NUL character");
    }

    private bool? Bool(string name, bool required) =>
        Typed(name, "boolean", required, JsonValueKind.True, JsonValueKind.False)?.ValueKind switch { null => null, var kind => kind == JsonValueKind.True };

    private string? Email(string name, bool required)
    {
        Note(name, "string", required, format: "email");
        return Checked(name, Text(name, required), IsEmail, "Invalid email address");
    }

    // The first time says most: a getter of something special notes it before it reads a plain string.
    private void Note(
        string name, string type, bool required = false, bool isNullable = false, string? format = null, IReadOnlyList<string>? options = null)
    {
        if (members is not null && !members.Exists(member => member.Name == name && member.Source == source))
            members.Add(new(name, source, type, required, isNullable, format, options));
    }

    private string? OneOf(string name, bool required, IReadOnlyList<string> options)
    {
        Note(name, "string", required, options: options);
        var given = Member(name);
        if (given is null && !required)
            return null;
        if (given is { ValueKind: JsonValueKind.String } && options.Contains(given.Value.GetString()))
            return given.Value.GetString();
        FailMember(name, options.Count == 1
            ? $"Invalid input: expected \"{options[0]}\""
            : $"Invalid option: expected one of {string.Join('|', options.Select(option => $"\"{option}\""))}");
        return null;
    }

    private JsonElement? Typed(string name, string expected, bool required, params ReadOnlySpan<JsonValueKind> kinds)
    {
        Note(name, expected, required);
        var member = Member(name);
        if (member is null && !required)
            return null;
        if (member is { } given && kinds.Contains(given.ValueKind))
            return member;
        FailMember(name, $"Invalid input: expected {expected}, received {(member is null ? "undefined" : KindOf(member.Value))}");
        return null;
    }

    private string? Checked(string name, string? text, Func<string, bool> rule, string message)
    {
        if (text is null || rule(text))
            return text;
        Fail(name, message);
        return null;
    }

    // Of an input that is no object only that is said.
    private void FailMember(string name, string message)
    {
        if (Root.ValueKind == JsonValueKind.Object)
            Fail(name, message);
    }

    private static string KindOf(JsonElement element) => element.ValueKind switch
    {
        JsonValueKind.Undefined => "undefined",
        JsonValueKind.True or JsonValueKind.False => "boolean",
        var kind => kind.ToString().ToLowerInvariant(),
    };

    // Zod 4's default pattern; no group can match one text in two ways, so it does not backtrack far.
    [GeneratedRegex(@"^([A-Za-z0-9_'+\-]+\.)*[A-Za-z0-9_'+\-]*[A-Za-z0-9_+\-]@([A-Za-z0-9][A-Za-z0-9\-]*\.)+[A-Za-z]{2,}\z", RegexOptions.CultureInvariant | RegexOptions.ExplicitCapture)]
    private static partial Regex EmailPattern();
}
