using System.CommandLine;
using Modular.Audit.Contracts;
using Modular.Store;

namespace Modular.Host.CommandLine;

/// <summary>
/// <c>audit rebuild</c>: read models are made anew; the log itself is made again beside the real one and compared.
/// </summary>
internal static class RebuildCommand
{
    /// <summary>The audit log. Never replaced, so its rebuild is a comparison.</summary>
    private const string Log = "audit.entries";

    /// <summary>What was rebuilt.</summary>
    /// <param name="Read">Events or entries read.</param>
    /// <param name="Different">Rows that were not equal byte for byte; null when it was not asked.</param>
    /// <param name="Root">Of the log: its Merkle tree hash, made again.</param>
    private sealed record Rebuilt(string Name, long Read, long Rows, long? Different, string? Root = null);

    public static Command Of(CommandRunner runner)
    {
        var names = new Argument<string[]>("NAME") { Description = "As schema.table; --list says which.", Arity = ArgumentArity.ZeroOrMore };
        var all = new Option<bool>("--all") { Description = "Everything, one after the other." };
        var list = new Option<bool>("--list") { Description = "Say what there is, and rebuild nothing." };
        var compare = new Option<bool>("--compare")
        {
            Description = "Count the rows of read models that were not equal byte for byte (the log is always compared). Exit code 1 when there are any.",
        };
        var rebuild = runner.Command(
            "rebuild",
            "Make read models anew from the events, beside the live ones, while requests are served; cancelling leaves them as they were. "
            + "The log itself is made again and compared, never replaced.",
            async (command, ct) =>
            {
                IReadOnlyList<string> known = [Log, .. await command.Send(new ListReadModels(), ct)];
                if (command.Parsed.GetValue(list))
                    return List(command, known);
                var wanted = command.Parsed.GetValue(all) ? known : command.Parsed.GetValue(names)!;
                if (wanted.FirstOrDefault(name => !known.Contains(name)) is { } unknown)
                    throw new UsageException($"There is no '{unknown}' to rebuild. There are: {string.Join(", ", known)}.");
                return await Rebuild(command, wanted, command.Parsed.GetValue(compare), ct);
            });
        rebuild.Add(names);
        rebuild.Add(all);
        rebuild.Add(list);
        rebuild.Add(compare);
        rebuild.Validators.Add(given =>
        {
            if (!given.GetValue(all) && !given.GetValue(list) && given.GetValue(names) is not { Length: > 0 })
                given.AddError("Say what: names, or --all; --list says what there is.");
        });
        return rebuild;
    }

    private static int List(Invocation command, IReadOnlyList<string> names)
    {
        command.Answer(new { names }, terminal => terminal.WriteTable([.. names.Select(name => new[] { name })]));
        return ExitCode.Done;
    }

    private static async Task<int> Rebuild(Invocation command, IReadOnlyList<string> wanted, bool compare, CancellationToken ct)
    {
        await Invocation.Explained(() => command.Get<SchemaMigrator>().EnsureApplied(ct));
        var results = new List<Rebuilt>();
        foreach (var name in wanted)
        {
            results.Add(await command.Terminal.WithProgress($"Rebuilding {name}", progress => name == Log
                ? RebuildLog(command, new LogSteps(progress), ct)
                : RebuildReadModel(command, new RebuildReadModel(name, compare, new LogSteps(progress)), ct)));
        }

        command.Answer(new { rebuilt = results }, terminal => terminal.WriteTable([.. results.Select(Row)]));
        return results.Any(result => result.Different > 0) ? ExitCode.Failed : ExitCode.Done;
    }

    private static async Task<Rebuilt> RebuildLog(Invocation command, LogSteps progress, CancellationToken ct)
    {
        var log = await Invocation.Explained(() => command.Send(new RebuildLog(progress), ct));
        return new Rebuilt(Log, log.Entries, log.Entries, log.Equal ? 0 : Math.Max(1, log.Differences), log.Root);
    }

    private static async Task<Rebuilt> RebuildReadModel(Invocation command, RebuildReadModel request, CancellationToken ct)
    {
        var model = await Invocation.Explained(() => command.Send(request, ct));
        return new Rebuilt(model!.Name, model.Read, model.Rows, model.Different);
    }

    private static string[] Row(Rebuilt result) =>
    [
        result.Name,
        FormattableString.Invariant($"{result.Read:N0} read"),
        FormattableString.Invariant($"{result.Rows:N0} rows"),
        result.Different is { } different ? FormattableString.Invariant($"{different:N0} different") : "",
        result.Root is { } root ? $"root {root}" : "",
    ];
}
