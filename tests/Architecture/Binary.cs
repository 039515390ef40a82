using System.Collections.Concurrent;
using System.Reflection;
using System.Reflection.Emit;
using System.Reflection.Metadata;
using System.Reflection.PortableExecutable;

namespace Modular.Architecture;

/// <summary>What compiled code mentions, method bodies included: what the compiler kept, not what a file seems to say.</summary>
internal static class Binary
{
    private const BindingFlags All = BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.Instance | BindingFlags.Static | BindingFlags.DeclaredOnly;

    private static readonly ConcurrentDictionary<Type, IReadOnlyList<Type>> Mentions = new();

    private static readonly Dictionary<short, OpCode> OpCodeOf = typeof(OpCodes).GetFields(BindingFlags.Public | BindingFlags.Static)
        .Select(field => (OpCode)field.GetValue(null)!)
        .ToDictionary(code => code.Value);

    /// <summary>Every type of another assembly that the code mentions, as "Namespace.Type" or "Namespace.Outer.Inner".</summary>
    public static IReadOnlyList<string> TypesUsedBy(Assembly assembly) => Read(assembly, md =>
        md.TypeReferences.Select(handle => Name(md, handle)));

    /// <summary>
    /// Every member of another assembly that a type, or one nested in it, calls: "Namespace.Type.Member/count of parameters".
    /// </summary>
    public static IEnumerable<string> MembersUsedBy(Type outermost) => Family(outermost)
        .SelectMany(type => Methods(type).SelectMany(MembersIn))
        .OfType<MethodBase>()
        .Where(member => member.DeclaringType is not null)
        .Select(member => $"{member.DeclaringType!.Namespace}.{member.DeclaringType.Name}.{member.Name}/{member.GetParameters().Length}")
        .Distinct();

    /// <summary>Every type that a type, or one nested in it, mentions: fields, signatures, bodies, base types.</summary>
    public static IReadOnlyList<Type> MentionedBy(Type outermost) => Mentions.GetOrAdd(
        outermost, static type => [.. Family(type).SelectMany(MentionedByOne).SelectMany(Unwrap).Distinct()]);

    public static Type Outermost(Type type) => type.DeclaringType is { } outer ? Outermost(outer) : type;

    public static IEnumerable<Type> Family(Type type) =>
        type.GetNestedTypes(BindingFlags.Public | BindingFlags.NonPublic).SelectMany(Family).Prepend(type);

    /// <summary>Types somebody wrote, outermost ones.</summary>
    public static IEnumerable<Type> Written(Assembly assembly) => assembly.GetTypes()
        .Where(type => type.DeclaringType is null && !type.Name.Contains('<', StringComparison.Ordinal)
            && type.Namespace?.StartsWith("Modular", StringComparison.Ordinal) == true);

    private static IEnumerable<Type> MentionedByOne(Type type)
    {
        if (type.BaseType is { } parent)
            yield return parent;
        foreach (var implemented in type.GetInterfaces())
            yield return implemented;
        foreach (var field in type.GetFields(All))
            yield return field.FieldType;
        foreach (var method in Methods(type))
        {
            if (method is MethodInfo { ReturnType: var returned })
                yield return returned;
            foreach (var parameter in method.GetParameters())
                yield return parameter.ParameterType;
            foreach (var member in MembersIn(method))
            {
                if ((member as Type ?? member.DeclaringType) is { } owner)
                    yield return owner;
                foreach (var argument in (member as MethodInfo)?.GetGenericArguments() ?? [])
                    yield return argument;
            }
        }
    }

    private static IEnumerable<Type> Unwrap(Type type)
    {
        if (type.HasElementType)
            return Unwrap(type.GetElementType()!);
        return type.IsConstructedGenericType
            ? type.GetGenericArguments().SelectMany(Unwrap).Prepend(type.GetGenericTypeDefinition())
            : [type];
    }

    private static IEnumerable<MethodBase> Methods(Type type) => type.GetMethods(All).Cast<MethodBase>().Concat(type.GetConstructors(All));

    private static IEnumerable<MemberInfo> MembersIn(MethodBase method)
    {
        var il = method.GetMethodBody()?.GetILAsByteArray() ?? [];
        for (var at = 0; at < il.Length;)
        {
            var code = il[at] == 0xFE ? OpCodeOf[unchecked((short)(0xFE00 | il[at + 1]))] : OpCodeOf[il[at]];
            at += code.Size;
            if (code.OperandType is OperandType.InlineMethod or OperandType.InlineField or OperandType.InlineType or OperandType.InlineTok
                && Resolve(method, BitConverter.ToInt32(il, at)) is { } member)
                yield return member;
            at += code.OperandType switch
            {
                OperandType.InlineNone => 0,
                OperandType.ShortInlineBrTarget or OperandType.ShortInlineI or OperandType.ShortInlineVar => 1,
                OperandType.InlineVar => 2,
                OperandType.InlineI8 or OperandType.InlineR => 8,
                OperandType.InlineSwitch => 4 + (4 * BitConverter.ToInt32(il, at)),
                _ => 4,
            };
        }
    }

    private static MemberInfo? Resolve(MethodBase method, int token) => method.Module.ResolveMember(
        token,
        method.DeclaringType!.IsGenericType ? method.DeclaringType.GetGenericArguments() : null,
        method.IsGenericMethod ? method.GetGenericArguments() : null);

    private static List<string> Read(Assembly assembly, Func<MetadataReader, IEnumerable<string>> select)
    {
        using var pe = new PEReader(File.OpenRead(assembly.Location));
        return [.. select(pe.GetMetadataReader())];
    }

    private static string Name(MetadataReader md, TypeReferenceHandle handle)
    {
        var type = md.GetTypeReference(handle);
        var name = md.GetString(type.Name);
        return type.ResolutionScope.Kind == HandleKind.TypeReference
            ? $"{Name(md, (TypeReferenceHandle)type.ResolutionScope)}.{name}"
            : $"{md.GetString(type.Namespace)}.{name}";
    }
}
