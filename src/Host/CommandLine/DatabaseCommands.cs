using System.CommandLine;
using Modular.Store;
using Npgsql;

namespace Modular.Host.CommandLine;

/// <summary><c>db …</c>: the schema of the database.</summary>
internal static class DatabaseCommands
{
    public static Command All(CommandRunner runner) => new("db", "The schema of the database.")
    {
        runner.Command("migrate", "Apply what is pending. The version before this one keeps running.", Migrate),
        runner.Command("status", "Say where each migration stands. Exit code 1 when one is not applied.", Status),
        runner.Command("validate", "Say how the schema differs from what this version expects. Exit code 1 when it does.", Validate),
        SeedCommand.Of(runner),
        BackupCommands.Backup(runner),
        BackupCommands.Restore(runner),
        Reset(runner),
    };

    private static async Task<int> Migrate(Invocation command, CancellationToken ct)
    {
        var applied = await Invocation.Explained(() => command.Get<SchemaMigrator>().Apply(ct));
        command.Answer(
            new { applied = applied.Select(step => new { step.Schema, step.Name }) },
            terminal =>
            {
                terminal.WriteTable([.. applied.Select(step => new[] { "applied", $"{step.Schema}/{step.Name}" })]);
                terminal.Output.WriteLine(applied.Count == 0 ? "Nothing was pending." : $"{applied.Count} applied.");
            });
        return ExitCode.Done;
    }

    private static async Task<int> Status(Invocation command, CancellationToken ct)
    {
        var steps = await command.Get<SchemaMigrator>().Status(ct);
        command.Answer(
            new { migrations = steps },
            terminal => terminal.WriteTable(
                [.. steps.Select(step => new[] { Word(step.State), $"{step.Schema}/{step.Name}", step.AppliedAt?.ToString("u") ?? "" })], "state", "migration", "applied"));
        return steps.All(step => step.State == MigrationState.Applied) ? ExitCode.Done : ExitCode.Failed;
    }

    private static async Task<int> Validate(Invocation command, CancellationToken ct)
    {
        var differences = await command.Get<SchemaValidator>().Validate(ct);
        command.Answer(
            new { differences },
            terminal =>
            {
                foreach (var difference in differences)
                    terminal.Output.WriteLine(difference.Sentence);
                terminal.Output.WriteLine(differences.Count == 0 ? "The schema is as expected." : $"{differences.Count} differences.");
            });
        return differences.Count == 0 ? ExitCode.Done : ExitCode.Failed;
    }

    private static Command Reset(CommandRunner runner)
    {
        var yes = new Option<bool>("--yes", "-y") { Description = "Do not ask." };
        var force = new Option<bool>("--force") { Description = "Also in Production." };
        var reset = runner.Command(
            "reset", "Drop every schema of ours, with everything in it, and make it anew, empty. Stop the servers first.",
            async (command, ct) =>
            {
                if (command.Get<IHostEnvironment>().IsProduction() && !command.Parsed.GetValue(force))
                    throw new UsageException("This is Production (ASPNETCORE_ENVIRONMENT says so, or nothing does): say --force to lose its data.");
                var schemas = command.Get<SchemaReset>().Schemas;
                if (!command.Parsed.GetValue(yes))
                    AskToDrop(command, schemas);
                await command.Get<SchemaReset>().Drop(ct);
                await command.Get<SchemaMigrator>().Apply(ct);
                command.Answer(new { reset = schemas }, terminal => terminal.Output.WriteLine($"Made anew: {string.Join(", ", schemas)}."));
                return ExitCode.Done;
            });
        reset.Add(yes);
        reset.Add(force);
        return reset;
    }

    /// <summary>Asks whoever is there; nobody there is a no.</summary>
    public static void AskToDrop(Invocation command, IReadOnlyList<string> schemas)
    {
        if (!command.Terminal.HasPerson)
            throw new UsageException("Nobody can be asked here: say --yes to lose the data.");
        var address = new NpgsqlConnectionStringBuilder(command.Get<HostDatabase>().Address.Direct);
        var question = $"Drop {string.Join(", ", schemas)} of the database {address.Database} at {address.Host}, with everything in them?";
        if (!command.Terminal.Confirm(question))
            throw new CommandFailedException("Nothing was dropped.");
    }

    private static string Word(MigrationState state) => state.ToString().ToLowerInvariant();
}
