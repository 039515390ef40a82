using System.CommandLine;
using System.Globalization;
using System.Security.Cryptography;
using Modular.Audit;
using Modular.Audit.Contracts;

namespace Modular.Host.CommandLine;

/// <summary>The part of <c>audit …</c> that proves: what was signed, what was given out, and whether it is still so.</summary>
internal static class ProofCommands
{
    private static readonly Option<string[]> Kept = new("--checkpoint") { Description = "A file with a signed checkpoint that you kept. May be repeated." };
    private static readonly Option<string[]> Trusted = new("--key") { Description = "A key of the log that you trust (name+id+base64). May be repeated." };

    public static Command Verify(CommandRunner runner)
    {
        var file = new Argument<string?>("FILE") { Description = "An export to check without a database. Default: the live log.", Arity = ArgumentArity.ZeroOrOne };
        var manifest = new Option<string?>("--manifest") { Description = "The manifest of the export. Default: FILE.manifest where there is one, else the last line of the file." };
        var verify = runner.Command(
            "verify",
            "Check that the log is dense, unchanged, complete and what was signed. Exit code 1 at the first entry that is not right.",
            async (terminal, parsed, ct) => parsed.GetValue(file) is { } path ? await VerifyFile(terminal, parsed, path, parsed.GetValue(manifest), ct) : null,
            VerifyLive);
        verify.Add(file);
        foreach (var option in (Option[])[manifest, Kept, Trusted])
            verify.Add(option);
        return verify;
    }

    public static Command Export(CommandRunner runner)
    {
        var file = new Argument<string>("FILE") { Description = "Where to write the entries; the manifest becomes FILE.manifest, its checkpoint FILE.checkpoint." };
        var from = new Option<long>("--from") { Description = "The first position." };
        var to = new Option<long?>("--to") { Description = "Only entries before this position." };
        var export = runner.Command("export", "Write the log as it is hashed, with a signed manifest that proves it.", async (command, ct) =>
        {
            var path = command.Parsed.GetValue(file)!;
            var (request, first) = (await command.Send(new ExportLog(command.Parsed.GetValue(from), command.Parsed.GetValue(to)), ct), System.Diagnostics.Stopwatch.StartNew());
            var (digest, bytes) = await command.Terminal.WithProgress("Exporting the log", progress => Write(request, path, first, progress, ct));
            var signed = await command.Send(
                new SignManifest("modular-ndjson", digest, bytes, request.To - request.From, request.From, request.To), ct);
            await File.WriteAllTextAsync($"{path}.manifest", signed.Note, ct);
            await File.WriteAllTextAsync($"{path}.checkpoint", signed.Checkpoint, ct);
            command.Answer(
                new { file = path, request.From, request.To, bytes, sha256 = digest },
                terminal => terminal.Output.WriteLine(string.Create(
                    CultureInfo.InvariantCulture, $"{request.To - request.From:N0} entries from {request.From} in {path} ({bytes:N0} bytes), proved by {path}.manifest")));
            return ExitCode.Done;
        });
        export.Add(file);
        export.Add(from);
        export.Add(to);
        return export;
    }

    public static Command Checkpoint(CommandRunner runner) => runner.Command(
        "checkpoint", "Sign the log as it is now and print the checkpoint, to be kept where nobody who can change the log can change it.",
        async (command, ct) =>
        {
            var signed = await command.Send(new SignCheckpoint(), ct);
            command.Answer(new { signed.Size, signed.Note }, terminal => terminal.Output.Write(signed.Note));
            return ExitCode.Done;
        });

    public static Command Cosign(CommandRunner runner)
    {
        var file = new Argument<string>("FILE") { Description = "A checkpoint of this log with a witness's cosignature below it." };
        var cosign = runner.Command("cosign", "Keep a witness's cosignature, which is then served with its checkpoint.", async (command, ct) =>
        {
            var kept = await command.Send(new CosignCheckpoint(await File.ReadAllTextAsync(command.Parsed.GetValue(file)!, ct)), ct);
            if (kept.Problem is { } problem)
                throw new CommandFailedException($"Nothing was kept: {problem}.");
            command.Answer(kept, terminal => terminal.Output.WriteLine($"{string.Join(", ", kept.Witnesses)} signed the checkpoint of {kept.Size} entries."));
            return ExitCode.Done;
        });
        cosign.Add(file);
        return cosign;
    }

    public static Command Keys(CommandRunner runner) => runner.Command("keys", "List the keys that checkpoints are checked by.", async (command, ct) =>
    {
        var known = await command.Send(new ReadLogKeys(), ct);
        command.Answer(known, terminal => terminal.WriteTable([.. known.Keys.Select(key =>
            (string[])[key.Number.ToString(CultureInfo.InvariantCulture), key.Made.ToString("u", CultureInfo.InvariantCulture), key.CanSign ? "signs" : "retired", key.Key])]));
        return ExitCode.Done;
    });

    public static Command RotateKey(CommandRunner runner)
    {
        var atOnce = new Option<bool>("--at-once") { Description = "The old key signs nothing any more, not even beside the new one: when it may have been stolen." };
        var rotate = runner.Command("rotate-key", "Sign checkpoints with a new key from now on.", async (command, ct) =>
        {
            var rotated = await command.Send(new RotateLogKey(command.Parsed.GetValue(atOnce)), ct);
            command.Answer(rotated, terminal => terminal.Output.WriteLine(rotated.Key));
            return ExitCode.Done;
        });
        rotate.Add(atOnce);
        return rotate;
    }

    private static async Task<int> VerifyLive(Invocation command, CancellationToken ct)
    {
        var request = new VerifyLog(null, await Read(command.Parsed), command.Parsed.GetValue(Trusted));
        var found = await Invocation.Explained(() => command.Terminal.WithProgress(
            "Verifying the log", progress => command.Send(request with { Progress = new LogSteps(progress) }, ct)));
        command.Answer(
            new { ok = found.FirstWrong is null, found.Entries, found.FirstWrong, found.WrongBefore, found.Problem, found.Root, found.Checkpoints, found.VouchedFor, found.First, found.KeysGiven },
            terminal => terminal.Output.WriteLine(found.FirstWrong is { } wrong
                ? Told(wrong, found.WrongBefore, found.Problem!)
                : FormattableString.Invariant($"All {found.Entries - found.First:N0} entries {(found.First > 0 ? $"from {found.First} on (first: those before it were dropped by their age) " : "")}are right; {found.Checkpoints:N0} checkpoints vouch for the first {found.VouchedFor:N0}. Root {found.Root}")));
        if (!found.KeysGiven)
            command.Terminal.Error.WriteLine("No key was given (--key), so the keys are those that the database holds: whoever replaced them there is not found.");
        return found.FirstWrong is null ? ExitCode.Done : ExitCode.Failed;
    }

    private static async Task<int?> VerifyFile(Terminal terminal, ParseResult parsed, string path, string? manifest, CancellationToken ct)
    {
        manifest ??= File.Exists($"{path}.manifest") ? $"{path}.manifest" : null;
        var request = new VerifyExport(
            path, manifest is null ? null : await File.ReadAllTextAsync(manifest, ct), await Read(parsed), parsed.GetValue(Trusted) ?? []);
        var found = await Invocation.Explained(() => AuditModule.VerifyExport(request, ct));
        if (parsed.GetValue(CommandRunner.Json))
        {
            terminal.WriteJson(new { ok = found.FirstWrong is null, found.From, found.To, found.FirstWrong, found.WrongBefore, found.Problem, found.Origin, found.Size, found.Root, found.IsSigned });
        }
        else
        {
            terminal.Output.WriteLine(found.FirstWrong is { } wrong
                ? Told(wrong, found.WrongBefore, found.Problem!)
                : FormattableString.Invariant($"Entries {found.From} to {found.To - 1} are right: part of the {found.Size:N0} of {found.Origin}, root {found.Root}"));
            if (found.FirstWrong is null && !found.IsSigned)
                terminal.Error.WriteLine("No key was given (--key), so nobody vouches for that root: compare it with a checkpoint you trust.");
        }

        return found.FirstWrong is null ? ExitCode.Done : ExitCode.Failed;
    }

    private static string Told(long wrong, long? before, string problem) => before is null
        ? FormattableString.Invariant($"Entry {wrong} is not right: {problem}. Those before it are.")
        : FormattableString.Invariant($"Between {wrong} and {before} something is not right: {problem}. Nothing vouches for entries from {wrong} on.");

    private static async Task<(string Digest, long Bytes)> Write(
        ExportedLog export, string path, System.Diagnostics.Stopwatch elapsed, IProgress<WorkDone> progress, CancellationToken ct)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        await using var file = File.Create(path);
        var (bytes, entries, total) = (0L, 0L, export.To - export.From);
        await foreach (var chunk in export.Lines.WithCancellation(ct))
        {
            hash.AppendData(chunk.Span);
            await file.WriteAsync(chunk, ct);
            (bytes, entries) = (bytes + chunk.Length, entries + chunk.Span.Count((byte)'\n'));
            progress.Report(new WorkDone(entries, total, elapsed.Elapsed, elapsed.Elapsed * ((total - entries) / (double)entries)));
        }

        return (Convert.ToHexStringLower(hash.GetHashAndReset()), bytes);
    }

    private static async Task<IReadOnlyList<string>> Read(ParseResult parsed) =>
        [.. await Task.WhenAll((parsed.GetValue(Kept) ?? []).Select(path => File.ReadAllTextAsync(path)))];
}
