using System.CommandLine;
using System.Text;
using System.Text.Json;
using Modular.Audit.Contracts;

namespace Modular.Host.CommandLine;

/// <summary><c>audit …</c>: the log of everything that happened, and what is made from it.</summary>
internal static class AuditCommands
{
    private static readonly string[] Shown = ["actor", "subject", "session", "ip", "reason"];

    private static readonly Option<string> Format = FormatOption();

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
        AsOfCommand.Of(runner),
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
        var speed = new Option<double?>("--speed") { Description = "So many times faster than it happened." };
        var rate = new Option<double?>("--rate") { Description = "So many entries a second." };
        foreach (var pace in (Option<double?>[])[speed, rate])
        {
            pace.Validators.Add(given =>
            {
                if (given.GetValueOrDefault<double?>() is not (null or (>= 0.01 and <= 1_000_000)))
                    given.AddError($"{pace.Name} must be from 0.01 to 1000000.");
            });
        }

        var filter = new FilterOptions();
        var replay = runner.Command(
            "replay", "Write the log, oldest entry first. With --json one object a line.",
            (command, ct) => Write(
                command,
                new ReplayLog(
                    command.Parsed.GetValue(from), command.Parsed.GetValue(since), command.Parsed.GetValue(until),
                    command.Parsed.GetValue(to), Follow: false, filter.Read(command.Parsed), FormatOf(command.Parsed),
                    command.Parsed.GetValue(speed), command.Parsed.GetValue(rate)),
                ct));
        replay.Validators.Add(given =>
        {
            if (given.GetValue(speed) is not null && given.GetValue(rate) is not null)
                given.AddError("Only one of --speed and --rate can be given.");
        });
        filter.AddTo(replay, from, to, since, until, Format, speed, rate);
        return replay;
    }

    private static Option<string> FormatOption()
    {
        var format = new Option<string>("--format") { Description = "ndjson, csv or cloudevents." };
        format.AcceptOnlyFromAmong("ndjson", "csv", "cloudevents");
        return format;
    }

    private static Audit.Contracts.LogFormat FormatOf(ParseResult given) => given.GetValue(Format) switch
    {
        "csv" => Audit.Contracts.LogFormat.Csv,
        "cloudevents" => Audit.Contracts.LogFormat.CloudEvents,
        _ => Audit.Contracts.LogFormat.Json,
    };

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
        var isText = request.Format == Audit.Contracts.LogFormat.Json && !command.Parsed.GetValue(CommandRunner.Json) && !IsAsked(command.Parsed);
        // RFC 4180 ends lines as Windows does, whatever the terminal.
        var end = request.Format == Audit.Contracts.LogFormat.Csv ? "\r\n" : command.Terminal.Output.NewLine;
        if (request.Format == Audit.Contracts.LogFormat.Csv)
            command.Terminal.Output.Write(LogEntry.CsvHeader + end);
        await foreach (var entry in (await command.Send(request, ct)).WithCancellation(ct))
            command.Terminal.Output.Write((isText ? Line(entry) : Encoding.UTF8.GetString(entry.Text.Span)) + end);
        return ExitCode.Done;
    }

    private static bool IsAsked(ParseResult given) => given.GetResult(Format) is { Implicit: false };

    private static string Line(LogEntry entry)
    {
        using var json = JsonDocument.Parse(entry.Text);
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
        private readonly Option<string?> _reason = new("--reason") { Description = "Its reason, as a code." };
        private readonly Option<string?> _agent = new("--user-agent") { Description = "Words of the user agent." };
        private readonly Option<string?> _request = new("--request") { Description = "The id shared by everything one request caused." };
        private readonly Option<string?> _stream = new("--stream") { Description = "The key of the event's stream." };
        private readonly Option<string?> _words = new("--words") { Description = "Words as in a web search." };

        public void AddTo(Command command, params Option[] others)
        {
            _outcome.AcceptOnlyFromAmong("success", "refused");
            foreach (var option in (Option[])[.. others, _module, _type, _actor, _subject, _session, _organization, _ip, _outcome, _words, _reason, _agent, _request, _stream])
                command.Add(option);
        }

        public LogFilter? Read(ParseResult given)
        {
            var filter = new LogFilter(
                given.GetValue(_module), given.GetValue(_type), given.GetValue(_actor), given.GetValue(_subject), given.GetValue(_session),
                given.GetValue(_organization), given.GetValue(_ip), given.GetValue(_outcome), given.GetValue(_words),
                given.GetValue(_reason), given.GetValue(_agent), given.GetValue(_request), given.GetValue(_stream));
            return filter == new LogFilter() ? null : filter;
        }
    }
}

/// <summary>Long work on the log as the terminal shows it.</summary>
internal sealed class LogSteps(IProgress<WorkDone> progress) : IProgress<LogProgress>
{
    public void Report(LogProgress value) => progress.Report(new WorkDone(value.Done, value.Total, value.Elapsed, value.Left));
}
