using System.CommandLine;
using System.Globalization;
using Modular.Audit.Contracts;

namespace Modular.Host.CommandLine;

/// <summary><c>audit sinks …</c>: where the log is pushed to.</summary>
internal static class SinkCommands
{
    public static Command All(CommandRunner runner) => new("sinks", "Where the log is pushed to.")
    {
        runner.Command("list", "How far every sink is.", List),
        Steer(runner, "pause", "Push nothing to a sink until it is resumed. Nothing is lost."),
        Steer(runner, "resume", "Go on where a sink was paused, or at once with one that failed."),
        Replay(runner),
    };

    private static async Task<int> List(Invocation command, CancellationToken ct)
    {
        var sinks = await command.Send(new ListSinks(), ct);
        command.Answer(new { sinks }, terminal =>
        {
            if (sinks.Count == 0)
                terminal.Output.WriteLine("There are no sinks: see Audit:Sinks.");
            foreach (var sink in sinks)
                terminal.Output.WriteLine(Line(sink));
        });
        return ExitCode.Done;
    }

    private static Command Steer(CommandRunner runner, string act, string description)
    {
        var name = Name();
        var steer = runner.Command(act, description, (command, ct) => Send(command, new SteerSink(command.Parsed.GetValue(name)!, act), ct));
        steer.Add(name);
        return steer;
    }

    private static Command Replay(CommandRunner runner)
    {
        var name = Name();
        var from = new Option<long>("--from") { Description = "The position to begin again with.", Required = true };
        var replay = runner.Command(
            "replay", "Send a sink again what it had, from a position on.",
            (command, ct) => Send(command, new SteerSink(command.Parsed.GetValue(name)!, "replay", command.Parsed.GetValue(from)), ct));
        replay.Add(name);
        replay.Add(from);
        return replay;
    }

    private static async Task<int> Send(Invocation command, SteerSink request, CancellationToken ct)
    {
        var done = await command.Send(request, ct);
        if (done.Problem is { } problem)
            throw new CommandFailedException($"{problem}.");
        command.Answer(done.Sink!, terminal => terminal.Output.WriteLine(Line(done.Sink!)));
        return ExitCode.Done;
    }

    private static string Line(SinkStatus sink) => string.Create(
        CultureInfo.InvariantCulture,
        $"{sink.Name}  {sink.State}  next {sink.Next}, {sink.Behind} behind{(sink.LastError is null ? "" : $"  attempt {sink.Attempts}: {sink.LastError}")}");

    private static Argument<string> Name() => new("NAME") { Description = "As in Audit:Sinks:NAME." };
}
