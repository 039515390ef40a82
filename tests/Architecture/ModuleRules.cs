using System.Reflection;
using Modular.Kernel;

namespace Modular.Architecture;

/// <summary>Boundaries between modules, kernel and Host (STYLE §8).</summary>
public sealed class ModuleRules
{
    public static TheoryData<string> EveryModule => [.. Solution.Modules];

    public static TheoryData<string> EveryKernelProject => [.. Solution.Kernel];

    [Fact]
    public void There_are_modules_to_check()
    {
        Assert.NotEmpty(Solution.Modules);
        Assert.NotEmpty(Solution.Kernel);
    }

    [Theory, MemberData(nameof(EveryModule))]
    public void A_module_knows_others_only_by_their_contracts(string module)
    {
        var folder = Solution.CoreFolder(module);
        // The project file, because the compiler drops a reference that nothing uses yet.
        Assert.Empty(Rules.ReferencesBeyondContracts(Solution.ProjectReferences(folder, Solution.ProjectFile(folder)), Solution.Modules));
        // The binary, because a reference can also arrive through another project.
        Assert.Empty(Rules.ReferencesBeyondContracts(Ours(Solution.Core(module)), Solution.Modules));
    }

    [Theory, MemberData(nameof(EveryModule))]
    public void Contracts_know_nothing_of_ours(string module)
    {
        var folder = Solution.ContractsFolder(module);
        Assert.Empty(Solution.ProjectReferences(folder, Solution.ProjectFile(folder)));
        Assert.Empty(Ours(Solution.Contracts(module)));
    }

    [Theory, MemberData(nameof(EveryKernelProject))]
    public void The_kernel_knows_no_module(string project)
    {
        var folder = Path.Combine(Solution.Source, "Kernel", project);
        Assert.Empty(Solution.ProjectReferences(folder, Solution.ProjectFile(folder)).Except(Solution.Kernel));
        Assert.Empty(Ours(Assembly.Load(project)).Except(Solution.Kernel));
    }

    [Theory, MemberData(nameof(EveryModule))]
    public void A_module_shows_one_type(string module) =>
        Assert.Empty(Rules.ShownBesideModule(module, Solution.Core(module).GetExportedTypes()));

    [Theory, MemberData(nameof(EveryModule))]
    public void Contracts_are_plain_facts(string module) =>
        Assert.Empty(Rules.NoPlainFacts(Solution.Contracts(module).GetExportedTypes()));

    [Theory, MemberData(nameof(EveryModule))]
    public void Time_is_asked_for_and_never_taken(string module) =>
        Assert.Empty(Rules.TimeTaken(Binary.Written(Solution.Core(module))));

    [Theory, MemberData(nameof(EveryKernelProject))]
    public void The_kernel_reads_no_clock_but_the_one_it_is_given(string project) =>
        Assert.Empty(Rules.ClockRead(Binary.Written(Assembly.Load(project))));

    [Fact]
    public void The_kernel_holds_only_what_is_shared()
    {
        var kernel = Binary.Written(typeof(IModule).Assembly).ToList();
        Assert.Empty(Rules.Lonely(
            kernel.Where(type => type.IsPublic), kernel, typeof(Kernel.ModuleExtensions), Solution.Modules.Select(Solution.Core), Solution.Host));
    }

    [Theory, MemberData(nameof(EveryModule))]
    public void A_modules_SQL_names_only_its_own_schema(string module)
    {
        var schemas = Solution.Modules.Select(name => name.ToLowerInvariant()).Append("store").Append("messaging").Append("kernel").ToList();
        Assert.Empty(Solution.Files(Solution.CoreFolder(module)).SelectMany(file => Rules.ForeignSchemas(module, file, schemas)));
    }

    [Theory, MemberData(nameof(EveryModule))]
    public void A_module_catches_nothing_it_does_not_know(string module) =>
        Assert.Empty(Solution.Files(Solution.CoreFolder(module)).SelectMany(Rules.CatchAlls));

    private static IEnumerable<string> Ours(Assembly assembly) => assembly.GetReferencedAssemblies()
        .Select(reference => reference.Name!)
        .Where(name => name.StartsWith("Modular.", StringComparison.Ordinal))
        .Select(name => Solution.Kernel.Contains(name) ? name : name["Modular.".Length..]);
}
