using System.CommandLine;
using System.Text;
using System.Text.Json;
using Modular.Audit.Contracts;

namespace Modular.Host.CommandLine;

/// <summary><c>audit …</c>: the log of everything that happened, and what is made from it.</summary>
internal static class AuditCommands
{
    private static readonly string[] Shown = ["actor", "subject", "session", "ip", "reason"];

    public static Command All(CommandRunner runner) => new("audit", "The log of everything that happened, and what is made from it.")
    {
        RebuildCommand.Of(runner),
        ProofCommands.Verify(runner),
        ProofCommands.Export(runner),
        ProofCommands.Checkpoint(runner),
        ProofCommands.Cosign(runner),
        ProofCommands.Keys(runner),
        ProofCommands.RotateKey(runner),
        Replay(runner),
        Tail(runner),
        ErasureCommands.Erase(runner),
        SinkCommands.All(runner),
    };

    private static Command Replay(CommandRunner runner)
    {
        var from = new Option<long>("--from") { Description = "The first position." };
        var to = new Option<long?>("--to") { Description = "Only entries before this position." };
        var since = new Option<DateTimeOffset?>("--since") { Description = "Only entries of this time or later." };
        var until = new Option<DateTimeOffset?>("--until") { Description = "Only entries before this time." };
        var filter = new FilterOptions();
        var replay = runner.Command(
            "replay", "Write the log, oldest entry first. With --json one object a line.",
            (command, ct) => Write(
                command,
                new ReplayLog(
                    command.Parsed.GetValue(from), command.Parsed.GetValue(since), command.Parsed.GetValue(until),
                    command.Parsed.GetValue(to), Follow: false, filter.Read(command.Parsed)),
                ct));
        filter.AddTo(replay, from, to, since, until);
        return replay;
    }

    private static Command Tail(CommandRunner runner)
    {
        var last = new Option<long>("--last", "-n") { Description = "How many entries back to begin.", DefaultValueFactory = _ => 10 };
        last.Validators.Add(given =>
        {
            if (!given.Implicit && given.GetValueOrDefault<long>() < 1)
                given.AddError("--last must be at least 1.");
        });
        var follow = new Option<bool>("--follow", "-f") { Description = "Go on with what is added, until Ctrl-C." };
        var filter = new FilterOptions();
        var tail = runner.Command(
            "tail", "Write the last entries of the log. With --json one object a line.",
            async (command, ct) =>
            {
                try
                {
                    return await Write(
                        command,
                        new ReplayLog(-command.Parsed.GetValue(last), Follow: command.Parsed.GetValue(follow), Filter: filter.Read(command.Parsed)),
                        ct);
                }
                catch (OperationCanceledException) when (command.Parsed.GetValue(follow))
                {
                    return ExitCode.Done;
                }
            });
        filter.AddTo(tail, last, follow);
        return tail;
    }

    private static async Task<int> Write(Invocation command, ReplayLog request, CancellationToken ct)
    {
        var isJson = command.Parsed.GetValue(CommandRunner.Json);
        await foreach (var entry in (await command.Send(request, ct)).WithCancellation(ct))
            command.Terminal.Output.WriteLine(isJson ? Encoding.UTF8.GetString(entry.Json.Span) : Line(entry));
        return ExitCode.Done;
    }

    private static string Line(LogEntry entry)
    {
        using var json = JsonDocument.Parse(entry.Json);
        var about = Shown
            .Select(name => (name, value: json.RootElement.GetProperty(name).GetString()))
            .Where(member => member.value is not null)
            .Select(member => $"{member.name}={member.value}");
        string Text(string name) => json.RootElement.GetProperty(name).GetString()!;
        return $"{entry.Position,8}  {Text("time")}  {Text("outcome"),-7}  {Text("type"),-28}  {string.Join(' ', about)}";
    }

    /// <summary>The filters that replay and tail share.</summary>
    private sealed class FilterOptions
    {
        private readonly Option<string?> _module = new("--module") { Description = "A module, e.g. identity." };
        private readonly Option<string?> _type = new("--type") { Description = "A stored event name, or the beginning of one and *." };
        private readonly Option<string?> _actor = new("--actor") { Description = "The id of who acted." };
        private readonly Option<string?> _subject = new("--subject") { Description = "The id of whom it was about." };
        private readonly Option<string?> _session = new("--session") { Description = "The id of the acting session." };
        private readonly Option<string?> _organization = new("--organization") { Description = "The id of the organization acted in." };
        private readonly Option<string?> _ip = new("--ip") { Description = "An address or a network, e.g. 192.0.2.0/24." };
        private readonly Option<string?> _outcome = new("--outcome") { Description = "success or refused." };
        private readonly Option<string?> _words = new("--words") { Description = "Words as in a web search." };

        public void AddTo(Command command, params Option[] others)
        {
            _outcome.AcceptOnlyFromAmong("success", "refused");
            foreach (var option in (Option[])[.. others, _module, _type, _actor, _subject, _session, _organization, _ip, _outcome, _words])
                command.Add(option);
        }

        public LogFilter? Read(ParseResult given)
        {
            var filter = new LogFilter(
                given.GetValue(_module), given.GetValue(_type), given.GetValue(_actor), given.GetValue(_subject), given.GetValue(_session),
                given.GetValue(_organization), given.GetValue(_ip), given.GetValue(_outcome), given.GetValue(_words));
            return filter == new LogFilter() ? null : filter;
        }
    }
}

/// <summary>Long work on the log as the terminal shows it.</summary>
internal sealed class LogSteps(IProgress<WorkDone> progress) : IProgress<LogProgress>
{
    public void Report(LogProgress value) => progress.Report(new WorkDone(value.Done, value.Total, value.Elapsed, value.Left));
}
