using System.CommandLine;
using System.Globalization;
using Modular.Sessions.Contracts;
using Modular.Store;

namespace Modular.Host.CommandLine;

/// <summary><c>sessions …</c>: how many there are, and an end to them.</summary>
internal static class SessionCommands
{
    private const int MostDays = 366;

    public static Command All(CommandRunner runner) => new("sessions", "Sessions of everybody: how many there are, and an end to them.")
    {
        Stats(runner),
        runner.Command("cleanup", "End now what has expired, as servers do every hour. Exit code 1 when a server is at it.", CleanUp),
        SessionRecoveryCommands.Revoke(runner),
    };

    private static Command Stats(CommandRunner runner)
    {
        var days = new Option<int>("--days") { Description = "How many days back.", DefaultValueFactory = _ => 14 };
        days.Validators.Add(given =>
        {
            if (!given.Implicit && given.GetValueOrDefault<int>() is < 1 or > MostDays)
                given.AddError($"--days is from 1 to {MostDays}.");
        });
        var stats = runner.Command(
            "stats", "Say how many sessions are live, by day, on which devices, and how long they last.",
            async (command, ct) =>
            {
                await Invocation.Explained(() => command.Get<SchemaMigrator>().EnsureApplied(ct));
                var found = await command.Send(new CountSessions(command.Parsed.GetValue(days)), ct);
                command.Answer(found, terminal => Write(terminal, found));
                return ExitCode.Done;
            });
        stats.Add(days);
        return stats;
    }

    private static void Write(Terminal terminal, SessionStatistics found)
    {
        terminal.Output.WriteLine(FormattableString.Invariant(
            $"{found.Active:N0} live sessions of {found.Users:N0} users; {found.Expired:N0} have expired and wait for the cleanup."));
        terminal.Output.WriteLine(found.AverageSeconds is { } seconds
            ? $"Those that ended in these days lasted {Words(TimeSpan.FromSeconds(seconds))} on average."
            : "None has ended in these days.");
        terminal.WriteTable(
            [.. found.ByDay.Select(day => new[] { day.Day.ToString("O", CultureInfo.InvariantCulture), FormattableString.Invariant($"{day.Started:N0}"), FormattableString.Invariant($"{day.Ended:N0}") })],
            "day (UTC)", "started", "ended");
        terminal.WriteTable(
            [.. found.Devices.Select(device => new[] { device.Device, FormattableString.Invariant($"{device.Sessions:N0}") })], "device", "live");
    }

    private static string Words(TimeSpan length) => length switch
    {
        { TotalDays: >= 2 } => FormattableString.Invariant($"{length.TotalDays:F1} days"),
        { TotalHours: >= 2 } => FormattableString.Invariant($"{length.TotalHours:F1} hours"),
        { TotalMinutes: >= 2 } => FormattableString.Invariant($"{length.TotalMinutes:F1} minutes"),
        _ => FormattableString.Invariant($"{length.TotalSeconds:F0} seconds"),
    };

    private static async Task<int> CleanUp(Invocation command, CancellationToken ct)
    {
        await Invocation.Explained(() => command.Get<SchemaMigrator>().EnsureApplied(ct));
        var expired = (await command.Send(new CountSessions(Days: 1), ct)).Expired;
        var done = await command.Terminal.WithProgress(
            "Ending sessions", progress => command.Send(new CleanUpSessions(Progress: new Steps(expired, progress)), ct))
            ?? throw new CommandFailedException("A server is ending them at this moment.");
        command.Answer(done, terminal => terminal.Output.WriteLine(FormattableString.Invariant($"{done.Ended:N0} sessions had expired and are ended.")));
        return ExitCode.Done;
    }

    private sealed class Steps(long expired, IProgress<WorkDone> progress) : IProgress<long>
    {
        private readonly System.Diagnostics.Stopwatch _watch = System.Diagnostics.Stopwatch.StartNew();

        public void Report(long value) => progress.Report(WorkDone.At(value, expired, _watch.Elapsed));
    }
}
