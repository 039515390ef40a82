using System.CommandLine;
using Modular.Messaging;

namespace Modular.Host.CommandLine;

/// <summary><c>messages …</c>: messages between modules that were given up.</summary>
internal static class MessageCommands
{
    private static readonly Option<string?> Queue = new("--queue") { Description = "Only those of this queue.", Recursive = true };

    public static Command All(CommandRunner runner) => new("messages", "Messages between modules that were given up.")
    {
        Queue,
        Dead(runner),
        Replay(runner),
    };

    private static Command Dead(CommandRunner runner)
    {
        var limit = new Option<int>("--limit") { Description = "How many at most.", DefaultValueFactory = _ => 100 };
        var dead = runner.Command("dead", "List what was given up, newest first, and why.", async (command, ct) =>
        {
            var letters = await command.Get<DeadLetters>().List(command.Parsed.GetValue(Queue), command.Parsed.GetValue(limit), ct: ct);
            command.Answer(new { dead = letters }, terminal =>
            {
                if (letters.Count == 0)
                    terminal.Output.WriteLine("No dead messages.");
                else
                    terminal.WriteTable([.. letters.Select(Row)], "id", "given up", "queue", "message", "attempts", "why");
            });
            return ExitCode.Done;
        });
        dead.Add(limit);
        return dead;
    }

    private static Command Replay(CommandRunner runner)
    {
        var ids = new Argument<Guid[]>("ID") { Description = "Ids of messages.", Arity = ArgumentArity.ZeroOrMore };
        var all = new Option<bool>("--all") { Description = "Everything that was given up, the oldest first." };
        var replay = runner.Command("replay", "Send again what was given up. Exit code 1 when an id is not among it.", async (command, ct) =>
        {
            var letters = command.Get<DeadLetters>();
            var queue = command.Parsed.GetValue(Queue);
            if (command.Parsed.GetValue(all))
                return Answer(command, await letters.ReplayAll(queue, ct), []);
            var sent = 0;
            var unknown = new List<Guid>();
            foreach (var id in command.Parsed.GetValue(ids)!)
            {
                var again = await letters.Replay(id, queue, ct);
                sent += again;
                if (again == 0)
                    unknown.Add(id);
            }

            return Answer(command, sent, unknown);
        });
        replay.Add(ids);
        replay.Add(all);
        replay.Validators.Add(given =>
        {
            if (given.GetValue(all) == given.GetValue(ids) is { Length: > 0 })
                given.AddError("Say which: ids, or --all.");
        });
        return replay;
    }

    private static int Answer(Invocation command, int sent, List<Guid> unknown)
    {
        command.Answer(new { sent, unknown }, terminal =>
        {
            terminal.Output.WriteLine($"{sent} sent again.");
            foreach (var id in unknown)
                terminal.Output.WriteLine($"{id} is not among the dead.");
        });
        return unknown.Count == 0 ? ExitCode.Done : ExitCode.Failed;
    }

    private static string[] Row(DeadLetter letter) =>
    [
        letter.Id.ToString(), letter.DiedAt.ToString("u"), letter.Queue, letter.MessageType, $"{letter.Attempts} attempts",
        $"{letter.ExceptionType}: {letter.ExceptionMessage.ReplaceLineEndings(" ")}",
    ];
}
