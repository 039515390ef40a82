using System.CommandLine;
using Modular.Store;

namespace Modular.Host.CommandLine;

/// <summary><c>db backup</c> and <c>db restore</c>: the embedded PostgreSQL brings no programs for it (DESIGN §8).</summary>
internal static class BackupCommands
{
    public static Command Backup(CommandRunner runner)
    {
        var file = new Argument<string>("FILE") { Description = "Made readable for you alone; it appears when it is complete." };
        var force = new Option<bool>("--force") { Description = "Replace the file if it exists." };
        var backup = runner.Command(
            "backup", "Write all data to a file, as it is at one instant. Servers go on working.",
            async (command, ct) =>
            {
                var path = Path.GetFullPath(command.Parsed.GetValue(file)!);
                var replace = command.Parsed.GetValue(force);
                if (!replace && Path.Exists(path))
                    throw new UsageException($"{path} exists: say --force to replace it.");
                if (!Directory.Exists(Path.GetDirectoryName(path)))
                    throw new UsageException($"There is no folder {Path.GetDirectoryName(path)}.");
                var manifest = await command.Terminal.WithProgress("Backing up", progress => WriteFile(
                    path, replace, stream => command.Get<SchemaBackup>().Write(stream, new CopySteps(progress), ct)));
                Answer(command, path, manifest, "Backed up");
                return ExitCode.Done;
            });
        backup.Add(file);
        backup.Add(force);
        return backup;
    }

    public static Command Restore(CommandRunner runner)
    {
        var file = new Argument<string>("FILE") { Description = "A backup made by this version, with the same Auth:Secret." };
        var force = new Option<bool>("--force") { Description = "Drop what is there of ours first. Never in Production." };
        var yes = new Option<bool>("--yes", "-y") { Description = "Do not ask." };
        var restore = runner.Command(
            "restore", "Fill a database that has none of our schemas from a backup, wholly or not at all. Start servers afterwards.",
            async (command, ct) =>
            {
                var path = Path.GetFullPath(command.Parsed.GetValue(file)!);
                if (!File.Exists(path))
                    throw new UsageException($"There is no file {path}.");
                var replace = command.Parsed.GetValue(force);
                if (replace && command.Get<IHostEnvironment>().IsProduction())
                    throw new UsageException("This is Production (ASPNETCORE_ENVIRONMENT says so, or nothing does): restore into an empty database and lead the servers there.");
                await using var stream = File.OpenRead(path);
                // Before anything is asked or dropped.
                await command.Get<SchemaRestore>().Read(stream, ct);
                if (replace && !command.Parsed.GetValue(yes))
                    DatabaseCommands.AskToDrop(command, command.Get<SchemaReset>().Schemas);
                var manifest = await command.Terminal.WithProgress(
                    "Restoring", progress => command.Get<SchemaRestore>().Load(stream, replace, new CopySteps(progress), ct));
                Answer(command, path, manifest, "Restored");
                return ExitCode.Done;
            });
        restore.Add(file);
        restore.Add(force);
        restore.Add(yes);
        return restore;
    }

    // A name of its own until it is complete and on disk: whoever finds the file may rely on it.
    private static async Task<BackupManifest> WriteFile(string path, bool replace, Func<Stream, Task<BackupManifest>> write)
    {
        var unfinished = $"{path}.{Guid.NewGuid():n}.unfinished";
        var options = new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.ReadWrite };
        if (!OperatingSystem.IsWindows())
            options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        try
        {
            BackupManifest manifest;
            await using (var stream = new FileStream(unfinished, options))
            {
                manifest = await write(stream);
                stream.Flush(flushToDisk: true);
            }

            File.Move(unfinished, path, replace);
            return manifest;
        }
        catch (Exception problem) when (problem is IOException or UnauthorizedAccessException)
        {
            throw new CommandFailedException($"The backup cannot be written: {problem.Message}", problem);
        }
        finally
        {
            File.Delete(unfinished);
        }
    }

    private static void Answer(Invocation command, string path, BackupManifest manifest, string done) => command.Answer(
        new { file = path, manifest.CreatedAt, manifest.Server, manifest.Migrations, manifest.Tables, manifest.Sequences },
        terminal =>
        {
            terminal.WriteTable([.. manifest.Tables.Where(table => table.Rows > 0).Select(table => new[]
            {
                $"{table.Schema}.{table.Name}", FormattableString.Invariant($"{table.Rows:N0} rows"), FormattableString.Invariant($"{table.Bytes:N0} bytes"),
            })]);
            terminal.Output.WriteLine(FormattableString.Invariant(
                $"{done}: {manifest.Tables.Sum(table => table.Rows):N0} rows of {manifest.Tables.Count} tables as of {manifest.CreatedAt:u}, {path}"));
        });

    private sealed class CopySteps(IProgress<WorkDone> progress) : IProgress<CopyProgress>
    {
        public void Report(CopyProgress value) => progress.Report(new WorkDone(value.Done, value.Total, value.Elapsed, value.Left));
    }
}
