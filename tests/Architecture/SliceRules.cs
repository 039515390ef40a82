using System.Xml.Linq;

namespace Modular.Architecture;

/// <summary>What a slice is and is not (STYLE §2, §8).</summary>
public sealed class SliceRules
{
    public static TheoryData<string> EveryModule => ModuleRules.EveryModule;

    [Theory, MemberData(nameof(EveryModule))]
    public void A_slice_is_a_file_of_its_own_name(string module) =>
        Assert.Empty(Rules.SlicesElsewhere(Slices(module), Solution.Files(Solution.CoreFolder(module)).Select(file => file.Name)));

    [Theory, MemberData(nameof(EveryModule))]
    public void A_slice_does_not_reach_into_another(string module) =>
        Assert.Empty(Rules.ReachesBetween(Slices(module)));

    [Theory, MemberData(nameof(EveryModule))]
    public void A_slice_says_in_a_summary_who_does_what(string module)
    {
        var documented = XDocument.Load(Path.ChangeExtension(Solution.Core(module).Location, ".xml")).Descendants("member")
            .Where(member => member.Element("summary") is not null)
            .Select(member => member.Attribute("name")!.Value);
        Assert.Empty(Slices(module).Select(slice => $"T:{slice.FullName}").Except(documented));
    }

    [Theory, MemberData(nameof(EveryModule))]
    public void A_module_builds_no_hierarchy(string module) =>
        Assert.DoesNotContain(Solution.Core(module).GetTypes(), type => type is { IsClass: true, IsAbstract: true, IsSealed: false });

    [Fact]
    public void A_slices_name_is_unique_in_the_solution() =>
        Assert.Empty(Solution.Modules.SelectMany(Slices).GroupBy(slice => slice.Name).Where(same => same.Count() > 1).Select(same => same.Key));

    private static IReadOnlyCollection<Type> Slices(string module) => Rules.Slices(Solution.Core(module).GetTypes());
}
