using System.Reflection;
using System.Text.RegularExpressions;
using MediatR;
using Modular.Kernel;

namespace Modular.Architecture;

/// <summary>
/// The rules as functions from code to its violations, so that each can be shown to fail on a planted one. An empty
/// answer means that the rule is kept.
/// </summary>
internal static partial class Rules
{
    /// <summary>
    /// The crossings between schemas that DESIGN §4 names: contracts in SQL, each with its module. Everything else of
    /// another's schema is out of reach.
    /// </summary>
    private static readonly (string Module, string Names)[] Crossings =
        [("Sessions", "identity.session_principal"), ("Identity", "neon_auth."), ("Identity", "authjs."), ("Sessions", "authjs.")];

    private static readonly string[] BannedNames =
        ["Service", "Manager", "Managers", "Helper", "Helpers", "Util", "Utils", "Utility", "Utilities", "Common", "Shared", "Base", "Dto", "Dtos", "Impl", "Processor", "Processors"];

    private static readonly string[] Clock =
    [
        "System.DateTime.get_Now/0", "System.DateTime.get_UtcNow/0", "System.DateTime.get_Today/0",
        "System.DateTimeOffset.get_Now/0", "System.DateTimeOffset.get_UtcNow/0",
    ];

    // The clock behind other names, and chance: the id of a test's event should be the test's to know.
    private static readonly string[] TakenInModules =
    [
        .. Clock, "System.TimeProvider.get_System/0", "System.Environment.get_TickCount/0", "System.Environment.get_TickCount64/0",
        "System.Guid.NewGuid/0", "System.Guid.CreateVersion7/0", "System.Random.get_Shared/0", "System.Random..ctor/0",
    ];

    /// <summary>1: a module knows the kernel, its own contracts and those of others.</summary>
    public static IEnumerable<string> ReferencesBeyondContracts(IEnumerable<string> references, IReadOnlyList<string> modules) =>
        references.Except(Solution.Kernel).Except(modules.Select(module => $"{module}.Contracts"));

    /// <summary>2: one public type, sealed, named after the module.</summary>
    public static IEnumerable<string> ShownBesideModule(string module, IEnumerable<Type> shown)
    {
        var types = shown.ToList();
        foreach (var type in types.Where(type => type.Name != $"{module}Module"))
            yield return $"{type.FullName} is public";
        if (!types.Any(type => type.Name == $"{module}Module" && type.IsSealed && typeof(IModule).IsAssignableFrom(type)))
            yield return $"there is no sealed {module}Module : {nameof(IModule)}";
    }

    /// <summary>3: sealed records whose members cannot be set, and enums.</summary>
    public static IEnumerable<string> NoPlainFacts(IEnumerable<Type> contracts) => contracts
        .Where(type => !type.IsEnum)
        .Where(type => !type.IsSealed || type.GetMethod("<Clone>$") is null || type.GetProperties().Any(IsSettable))
        .Select(type => $"{type.FullName} is neither an enum nor a sealed, immutable record");

    /// <summary>4: a slice reaches no other slice; what they share moves to the state or to a value object.</summary>
    public static IEnumerable<string> ReachesBetween(IReadOnlyCollection<Type> slices) =>
        from slice in slices
        from mentioned in Binary.MentionedBy(slice)
        let target = Binary.Outermost(mentioned)
        where target != slice && slices.Contains(target)
        group slice by $"{slice.Name} -> {target.Name}" into reach
        select reach.Key;

    /// <summary>5: a slice is found under its own name.</summary>
    public static IEnumerable<string> SlicesElsewhere(IEnumerable<Type> slices, IEnumerable<string> fileNames) =>
        slices.Select(slice => slice.Name).Except(fileNames);

    /// <summary>6: in a module time and chance are asked for, never taken.</summary>
    public static IEnumerable<string> TimeTaken(IEnumerable<Type> types) => Taken(types, TakenInModules);

    /// <summary>6, for what modules stand on: whoever makes the default clock may name it, nobody may read it behind its back.</summary>
    public static IEnumerable<string> ClockRead(IEnumerable<Type> types) => Taken(types, Clock);

    /// <summary>
    /// 7: a public type of the kernel is used by two modules, by the Host, or by another type of the kernel; being
    /// registered in the container is no use.
    /// </summary>
    public static IEnumerable<string> Lonely(
        IEnumerable<Type> shown, IReadOnlyCollection<Type> kernel, Type registration, IEnumerable<Assembly> modules, Assembly host)
    {
        var usesOfModules = modules.Select(module => Binary.TypesUsedBy(module).ToHashSet()).ToList();
        var usesOfHost = Binary.TypesUsedBy(host).ToHashSet();
        return shown
            .Where(type => !usesOfHost.Contains(type.FullName!)
                && usesOfModules.Count(used => used.Contains(type.FullName!)) < 2
                && !kernel.Any(other => other != type && other != registration && Binary.MentionedBy(other).Contains(type)))
            .Select(type => type.FullName!);
    }

    /// <summary>8: SQL of a module names its own schema, and the contracts of <see cref="Crossings"/>.</summary>
    public static IEnumerable<string> ForeignSchemas(string module, SourceFile file, IEnumerable<string> schemas)
    {
        var foreign = schemas.Append("neon_auth").Append("authjs").Where(schema => !schema.Equals(module, StringComparison.OrdinalIgnoreCase)).ToList();
        var named = new Regex($@"(?<![\w.]){{?({string.Join('|', foreign)})}}?\.(?=[a-z_{{""])[\w]*", RegexOptions.IgnoreCase);
        return
            from literal in Literals.Of(file.Text)
            where Sql().IsMatch(literal.Text)
            from match in named.Matches(literal.Text)
            let name = match.Value.Replace("{", "", StringComparison.Ordinal).Replace("}", "", StringComparison.Ordinal).ToLowerInvariant()
            where !Crossings.Any(crossing => crossing.Module == module && (crossing.Names.EndsWith('.') ? name.StartsWith(crossing.Names, StringComparison.Ordinal) : name == crossing.Names))
            select $"{file.Path}:{file.LineOf(literal.Position + match.Index)} names {name}";
    }

    /// <summary>
    /// Nothing swallows everything: a bug is answered once, at the edge. A filter that names what it takes is no
    /// catch-all, and neither is tidying up before <c>throw;</c>.
    /// </summary>
    public static IEnumerable<string> CatchAlls(SourceFile file)
    {
        var code = Literals.CodeOf(file.Text);
        return CatchAll().Matches(code)
            .Where(match => !Rethrow().IsMatch(Block(code, match.Index + match.Length - 1)))
            .Select(match => $"{file.Path}:{file.LineOf(match.Index)}");
    }

    /// <summary>Words that say nothing, in names of types, files and folders.</summary>
    public static IEnumerable<string> BannedIn(IEnumerable<string> names) => names
        .Where(name => Words().Matches(name).Any(word => BannedNames.Contains(word.Value)));

    /// <summary>Files above a budget.</summary>
    public static IEnumerable<string> LongerThan(int lines, IEnumerable<SourceFile> files) => files
        .Where(file => file.Lines > lines)
        .Select(file => $"{file.Path}: {file.Lines} lines");

    /// <summary>What belongs into an issue, or nowhere.</summary>
    public static IEnumerable<string> Leftovers(SourceFile file) => Leftover().Matches(file.Text)
        .Select(match => $"{file.Path}:{file.LineOf(match.Index)} {match.Value}");

    /// <summary>The outermost type around a handler or an endpoint.</summary>
    public static IReadOnlyCollection<Type> Slices(IEnumerable<Type> types) =>
        [.. types.Where(IsPartOfSlice).Select(Binary.Outermost).Distinct()];

    private static bool IsPartOfSlice(Type type) => !type.IsInterface && (
        typeof(ICarterModule).IsAssignableFrom(type)
        || type.GetInterfaces().Any(i => i.IsGenericType && i.GetGenericTypeDefinition() == typeof(IRequestHandler<,>))
        || (type.Name.EndsWith("Handler", StringComparison.Ordinal) && type.GetMethods().Any(method => method.Name == "Handle")));

    private static IEnumerable<string> Taken(IEnumerable<Type> types, string[] members) => types
        .SelectMany(type => Binary.MembersUsedBy(type).Intersect(members).Select(member => $"{type.Name} calls {member}"));

    /// <summary>From an opening brace to the one that closes it.</summary>
    private static string Block(string code, int open)
    {
        var depth = 0;
        for (var at = open; at < code.Length; at++)
        {
            depth += code[at] switch { '{' => 1, '}' => -1, _ => 0 };
            if (depth == 0)
                return code[open..(at + 1)];
        }

        return code[open..];
    }

    private static bool IsSettable(PropertyInfo property) => property.SetMethod is { IsPublic: true } setter
        && !setter.ReturnParameter.GetRequiredCustomModifiers().Contains(typeof(System.Runtime.CompilerServices.IsExternalInit));

    [GeneratedRegex(@"\b(select|insert|update|delete|create|alter|drop|truncate|references|join|from|where|into|with|lock|grant|and|or|on|set)\b", RegexOptions.IgnoreCase)]
    private static partial Regex Sql();

    [GeneratedRegex(@"\bcatch\s*(\(\s*(System\.)?Exception\b\s*\w*\s*\)(?!\s*when\s*\(\s*\w+\s+is\s+(?!not\b))[^{]*)?\{")]
    private static partial Regex CatchAll();

    [GeneratedRegex(@"\bthrow\s*;\s*\}$")]
    private static partial Regex Rethrow();

    [GeneratedRegex("[A-Z][a-z0-9]*")]
    private static partial Regex Words();

    [GeneratedRegex(@"\b(TODO|FIXME|HACK|XXX)\b(?!\(#\d+\))|#region\b")]
    private static partial Regex Leftover();
}
