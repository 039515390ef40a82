using System.CommandLine;
using Modular.Store;

namespace Modular.Host.CommandLine;

/// <summary><c>audit …</c>: what is made from the events, and the log of them.</summary>
internal static class AuditCommands
{
    public static Command All(CommandRunner runner) => new("audit", "What is made from the events.")
    {
        Rebuild(runner),
    };

    private static Command Rebuild(CommandRunner runner)
    {
        var names = new Argument<string[]>("NAME") { Description = "Read models, as schema.table.", Arity = ArgumentArity.ZeroOrMore };
        var all = new Option<bool>("--all") { Description = "Every read model, one after the other." };
        var list = new Option<bool>("--list") { Description = "Say which there are, and rebuild nothing." };
        var compare = new Option<bool>("--compare")
        {
            Description = "Count the rows that were not equal byte for byte before. Exit code 1 when there are any.",
        };
        var rebuild = runner.Command(
            "rebuild",
            "Make read models anew from their events, beside the live ones, while requests are served. Cancelling leaves them as they were.",
            async (command, ct) =>
            {
                var rebuilds = command.Get<ProjectionRebuild>();
                if (command.Parsed.GetValue(list))
                    return List(command, rebuilds.Names);
                var wanted = command.Parsed.GetValue(all) ? rebuilds.Names : command.Parsed.GetValue(names)!;
                return await Rebuild(command, wanted, command.Parsed.GetValue(compare), ct);
            });
        rebuild.Add(names);
        rebuild.Add(all);
        rebuild.Add(list);
        rebuild.Add(compare);
        return rebuild;
    }

    private static int List(Invocation command, IReadOnlyList<string> names)
    {
        command.Answer(new { names }, terminal => terminal.WriteTable([.. names.Select(name => new[] { name })]));
        return ExitCode.Done;
    }

    private static async Task<int> Rebuild(Invocation command, IReadOnlyList<string> wanted, bool compare, CancellationToken ct)
    {
        var rebuilds = command.Get<ProjectionRebuild>();
        if (wanted.Count == 0)
            throw new UsageException("Say which: names, or --all; --list says which there are.");
        if (wanted.FirstOrDefault(name => !rebuilds.Names.Contains(name)) is { } unknown)
            throw new UsageException($"There is no read model '{unknown}'. There are: {string.Join(", ", rebuilds.Names)}.");

        await Invocation.Explained(async () =>
        {
            await command.Get<SchemaMigrator>().EnsureApplied(ct);
            return true;
        });
        var results = new List<RebuildResult>();
        foreach (var name in wanted)
        {
            results.Add(await command.Terminal.WithProgress(
                $"Rebuilding {name}",
                progress => Invocation.Explained(() => rebuilds.RebuildProjectionAsync(name, compare, new Steps(progress), ct))));
        }

        command.Answer(new { rebuilt = results }, terminal => terminal.WriteTable([.. results.Select(Row)]));
        return results.Any(result => result.Different > 0) ? ExitCode.Failed : ExitCode.Done;
    }

    private static string[] Row(RebuildResult result) =>
    [
        result.Name,
        FormattableString.Invariant($"{result.Events:N0} events"),
        FormattableString.Invariant($"{result.Rows:N0} rows"),
        result.Different is { } different ? FormattableString.Invariant($"{different:N0} different") : "",
    ];

    private sealed class Steps(IProgress<WorkDone> progress) : IProgress<RebuildProgress>
    {
        public void Report(RebuildProgress value) => progress.Report(new WorkDone(value.Done, value.Total, value.Elapsed, value.Left));
    }
}
