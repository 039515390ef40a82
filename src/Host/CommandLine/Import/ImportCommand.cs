using System.CommandLine;
using System.Diagnostics;
using Modular.Identity.Contracts;
using Modular.Store;

namespace Modular.Host.CommandLine;

/// <summary><c>users import</c>: users of another system with their accounts and sessions, in one pass that can be interrupted.</summary>
internal static class ImportCommand
{
    private const int MostUsers = 200;
    private const int MostRows = 1000;
    private const int Tries = 5;

    private static readonly TimeSpan Long = TimeSpan.FromMilliseconds(500);
    private static readonly TimeSpan Short = TimeSpan.FromMilliseconds(200);

    public static Command Of(CommandRunner runner)
    {
        var from = new Option<string>("--from") { Description = "authjs, better-auth or clerk.", Required = true };
        from.AcceptOnlyFromAmong("authjs", "better-auth", "clerk");
        var source = new Argument<string>("FILE_OR_URL") { Description = "A postgres:// address with the tables, a file (JSON, NDJSON, CSV), or a folder with one per table." };
        var schema = new Option<string>("--schema") { Description = "Where the tables are.", DefaultValueFactory = _ => "public" };
        var tables = new Option<string>("--tables") { Description = "Their names, if unusual: users,accounts,sessions." };
        var dry = new Option<bool>("--dry-run") { Description = "Say what would be taken and what not, and take nothing." };
        var import = runner.Command(
            "import",
            "Take over users with their accounts and sessions, under their ids. Killed, or run again, it goes on where it was. Exit code 1: something could not be taken.",
            async (command, ct) =>
            {
                var named = command.Parsed.GetValue(tables)?.Split(',', StringSplitOptions.TrimEntries) ?? [];
                if (named.Length is not (0 or 3))
                    throw new UsageException("--tables takes three names: users,accounts,sessions.");
                await Invocation.Explained(() => command.Get<SchemaMigrator>().EnsureApplied(ct));
                var kind = command.Parsed.GetValue(from)!;
                await using var users = await UserSources.Open(kind, command.Parsed.GetValue(source)!, command.Parsed.GetValue(schema)!, named, ct);
                var isDry = command.Parsed.GetValue(dry);
                var done = await command.Terminal.WithProgress("Importing", progress => new Import(command, kind, users, isDry, progress).Run(ct));
                Answer(command, kind, isDry, done);
                return done.Problems.Count == 0 ? ExitCode.Done : ExitCode.Failed;
            });
        import.Add(source);
        import.Add(from);
        import.Add(schema);
        import.Add(tables);
        import.Add(dry);
        return import;
    }

    private static void Answer(Invocation command, string kind, bool isDry, ImportedUsers done) => command.Answer(
        new { from = kind, dryRun = isDry, done.Users, done.Accounts, done.Sessions, done.Known, done.EndedSessions, done.Problems },
        terminal =>
        {
            terminal.Output.WriteLine(FormattableString.Invariant(
                $"{(isDry ? "Would import" : "Imported")} {done.Users:N0} users, {done.Accounts:N0} accounts and {done.Sessions:N0} sessions. {done.Known:N0} users were here already, {done.EndedSessions:N0} sessions were over."));
            if (done.Problems.Count == 0)
                return;
            terminal.Output.WriteLine("Not taken:");
            terminal.WriteTable([
                .. done.Problems.GroupBy(problem => (problem.What, problem.Reason)).OrderBy(group => group.Key).Select(group => new[]
                {
                    group.Key.What, group.Key.Reason, FormattableString.Invariant($"{group.Count():N0}"),
                    "of " + string.Join(", ", group.Take(3).Select(problem => problem.UserId)) + (group.Count() > 3 ? ", …" : ""),
                }),
            ]);
        });

    /// <summary>One pass. Chunks are as large as commits stay short.</summary>
    private sealed class Import(Invocation command, string kind, IUserSource source, bool isDry, IProgress<WorkDone> progress)
    {
        private readonly string run = UserSources.Run(kind, source);
        private ImportedUsers dry = new(0, 0, 0, 0, 0, []);
        private int size = 25;

        public async Task<ImportedUsers> Run(CancellationToken ct)
        {
            var begun = isDry ? null : await command.Send(new FindImport(run), ct);
            var after = begun is { IsDone: false } ? begun.After : null;
            var (total, watch, looked) = (await source.Count(after, ct), Stopwatch.StartNew(), 0L);
            await using var users = source.Read(after, ct).GetAsyncEnumerator(ct);
            for (var isLast = false; !isLast;)
            {
                var (chunk, rows) = (new List<SourceUser>(size), 0);
                while (!isLast && chunk.Count < size && rows < MostRows)
                {
                    if (!(isLast = !await users.MoveNextAsync()))
                    {
                        chunk.Add(users.Current);
                        rows += 1 + users.Current.Accounts.Count + users.Current.Sessions.Count;
                    }
                }

                await Send(new ImportUsers(kind, run, after, chunk, isLast, isDry), ct);
                after = chunk.Count > 0 ? chunk[^1].Id : after;
                looked += chunk.Count;
                progress.Report(new WorkDone(looked, total, watch.Elapsed, looked == 0 ? null : watch.Elapsed * (Math.Max(0, total - looked) / (double)looked)));
            }

            return isDry ? dry : (await command.Send(new FindImport(run), ct))!.SoFar;
        }

        private async Task Send(ImportUsers chunk, CancellationToken ct)
        {
            var watch = Stopwatch.StartNew();
            for (var attempt = 1; ; attempt++)
            {
                try
                {
                    var done = await command.Send(chunk, ct);
                    if (isDry)
                        Add(done);
                    break;
                }
                catch (Exception overtaken) when (attempt < Tries && overtaken is DocumentAlreadyExistsException or ConcurrencyException)
                {
                    // Somebody registered an address of theirs meanwhile; another look finds it taken.
                    await Task.Delay(20 * attempt, ct);
                }
            }

            size = watch.Elapsed > Long ? Math.Max(5, size / 2) : watch.Elapsed < Short ? Math.Min(MostUsers, size * 2) : size;
        }

        private void Add(ImportedUsers more) => dry = new(
            dry.Users + more.Users, dry.Accounts + more.Accounts, dry.Sessions + more.Sessions, dry.Known + more.Known, dry.EndedSessions + more.EndedSessions,
            [.. dry.Problems, .. more.Problems]);
    }
}
