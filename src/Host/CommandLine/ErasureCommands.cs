using System.CommandLine;
using System.Text.Json;
using Modular.Audit.Contracts;

namespace Modular.Host.CommandLine;

/// <summary><c>audit erase</c>: nobody can read any more what was personal of somebody.</summary>
internal static class ErasureCommands
{
    public static Command Erase(CommandRunner runner)
    {
        var subject = new Option<string?>("--subject") { Description = "The id of a user who is deleted, address:HASH, or anonymous:YYYY-MM." };
        var withAccount = new Option<bool>("--with-account") { Description = "Delete the account as well, where there is one." };
        var reapply = new Option<FileInfo?>("--reapply") { Description = "Entries as audit replay --json writes them: whoever is erased in them is erased here, account and all." };
        var erase = runner.Command(
            "erase", "Shred somebody's key: the log stays whole and provable, and tells nothing personal of them. There is no way back.",
            (command, ct) => (command.Parsed.GetValue(subject), command.Parsed.GetValue(reapply)) switch
            {
                ({ Length: > 0 } one, null) => One(command, one, command.Parsed.GetValue(withAccount), ct),
                (null, { } file) => All(command, file, ct),
                _ => throw new UsageException("Say either --subject or --reapply."),
            });
        erase.Add(subject);
        erase.Add(withAccount);
        erase.Add(reapply);
        return erase;
    }

    private static async Task<int> One(Invocation command, string subject, bool withAccount, CancellationToken ct)
    {
        var erased = await command.Send(new RequestErasure(subject, "by_operator", withAccount), ct);
        if (erased.Problem is { } problem)
        {
            throw new CommandFailedException(problem == "subject_has_account"
                ? $"{erased.Message}, or say --with-account."
                : $"{erased.Message}.");
        }

        command.Answer(
            new { subject = erased.SubjectId, erased.IsNew },
            terminal => terminal.Output.WriteLine(erased.IsNew ? $"{subject} is erased." : $"{subject} was erased before."));
        return ExitCode.Done;
    }

    // After a restore of a backup that is older than an erasure. What is unknown here was made after the backup.
    private static async Task<int> All(Invocation command, FileInfo file, CancellationToken ct)
    {
        var (again, unknown) = (0, 0);
        var failed = new List<string>();
        foreach (var subject in await Erased(file, ct))
        {
            var erased = await command.Send(new RequestErasure(subject, "reapplied", WithAccount: true), ct);
            again += erased is { Problem: null, IsNew: true } ? 1 : 0;
            unknown += erased.Problem == "subject_not_found" ? 1 : 0;
            if (erased.Problem is not (null or "subject_not_found"))
                failed.Add($"{subject}: {erased.Message}");
        }

        command.Answer(
            new { erased = again, unknown, failed },
            terminal =>
            {
                terminal.Output.WriteLine($"{again} erased again, {unknown} unknown here.");
                failed.ForEach(terminal.Output.WriteLine);
            });
        return failed.Count == 0 ? ExitCode.Done : ExitCode.Failed;
    }

    private static async Task<IReadOnlyList<string>> Erased(FileInfo file, CancellationToken ct)
    {
        if (!file.Exists)
            throw new UsageException($"There is no file {file.FullName}.");
        var subjects = new List<string>();
        var number = 0;
        await foreach (var line in File.ReadLinesAsync(file.FullName, ct))
        {
            number++;
            if (line.Length == 0)
                continue;
            try
            {
                using var json = JsonDocument.Parse(line);
                subjects.AddRange(SubjectsOf(json.RootElement));
            }
            catch (Exception wrong) when (wrong is JsonException or InvalidOperationException or KeyNotFoundException)
            {
                throw new CommandFailedException($"Line {number} of {file.Name} is no entry of the log: {wrong.Message}", wrong);
            }
        }

        return [.. subjects.Distinct()];
    }

    private static IEnumerable<string> SubjectsOf(JsonElement entry)
    {
        // Before the log had entries of erasures, only the end of the user said it.
        if (entry.GetProperty("type").GetString() is "user.deleted.1" && entry.GetProperty("subject").GetString() is { } user)
            return [user];
        if (entry.GetProperty("type").GetString() is not "subject.erased.1")
            return [];
        var data = entry.GetProperty("data");
        return [data.GetProperty("subjectId").GetString()!, .. data.GetProperty("also").EnumerateArray().Select(also => also.GetString()!)];
    }
}
