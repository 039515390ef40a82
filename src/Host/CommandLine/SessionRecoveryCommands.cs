using System.CommandLine;
using System.Diagnostics;
using Modular.Identity.Contracts;
using Modular.Sessions.Contracts;
using Modular.Store;

namespace Modular.Host.CommandLine;

/// <summary><c>sessions revoke</c>: what an operator does when sessions cannot be trusted any more.</summary>
internal static class SessionRecoveryCommands
{
    public static Command Revoke(CommandRunner runner)
    {
        var all = new Option<bool>("--all") { Description = "Everybody's that have begun before now." };
        var user = new Option<string>("--user") { Description = "Those of the user with this address, and those in which they act as somebody else." };
        var yes = new Option<bool>("--yes", "-y") { Description = "Do not ask." };
        var revoke = runner.Command(
            "revoke", "End sessions, at once and on every server. Stopped half way it goes on where it was when it is run again.",
            async (command, ct) =>
            {
                var (everybody, email) = (command.Parsed.GetValue(all), command.Parsed.GetValue(user));
                if (everybody == (email is not null))
                    throw new UsageException("Say whose: --all, or --user EMAIL.");
                await (everybody ? OfEverybody(command, command.Parsed.GetValue(yes), ct) : OfOne(command, email!, ct));
                return ExitCode.Done;
            });
        revoke.Add(all);
        revoke.Add(user);
        revoke.Add(yes);
        return revoke;
    }

    private static async Task OfOne(Invocation command, string email, CancellationToken ct)
    {
        var done = await command.Send(new RevokeSessionsOf(email), ct);
        if (done.Problem is { } problem)
            throw new CommandFailedException(problem);
        command.Answer(
            new { userId = done.UserId, ended = done.Ended },
            terminal => terminal.Output.WriteLine($"{done.UserId}: {done.Ended} session{(done.Ended == 1 ? "" : "s")} ended."));
    }

    private static async Task OfEverybody(Invocation command, bool isSure, CancellationToken ct)
    {
        var before = command.Get<TimeProvider>().GetUtcNow();
        var total = await command.Send(new CountSessionsBefore(before), ct);
        if (!isSure)
            Ask(command, total);
        var ended = await command.Terminal.WithProgress("Ending sessions", progress => RevokeAll(command, before, total, progress, ct));
        command.Answer(
            new { ended, before },
            terminal => terminal.Output.WriteLine(FormattableString.Invariant($"{ended:N0} sessions ended; everybody has to sign in again.")));
    }

    private static void Ask(Invocation command, long total)
    {
        if (!command.Terminal.HasPerson)
            throw new UsageException("Nobody can be asked here: say --yes to sign everybody out.");
        if (!command.Terminal.Confirm(FormattableString.Invariant($"End {total:N0} sessions, so that everybody has to sign in again?")))
            throw new CommandFailedException("No session was ended.");
    }

    // A commit after the other, each in a scope of its own. Fewer at a time where somebody else changes the same sessions.
    private static async Task<long> RevokeAll(Invocation command, DateTimeOffset before, long total, IProgress<WorkDone> progress, CancellationToken ct)
    {
        const int AtOnce = 250;
        var (since, ended, atMost) = (Stopwatch.GetTimestamp(), 0L, AtOnce);
        while (true)
        {
            await using var scope = command.Services.CreateAsyncScope();
            try
            {
                if (await (command with { Services = scope.ServiceProvider }).Send(new RevokeAllSessions(before, atMost), ct) is not (> 0 and var last))
                    return ended;
                (ended, atMost) = (ended + last, Math.Min(AtOnce, atMost * 2));
            }
            catch (ConcurrencyException) when (atMost > 1)
            {
                atMost /= 2;
            }

            var elapsed = Stopwatch.GetElapsedTime(since);
            progress.Report(new WorkDone(ended, total, elapsed, ended == 0 ? null : elapsed * (Math.Max(0, total - ended) / (double)ended)));
        }
    }
}
