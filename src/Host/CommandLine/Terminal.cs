using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;
using Spectre.Console;

namespace Modular.Host.CommandLine;

/// <summary>
/// Where a command speaks: its answer to standard output, everything else (notes, questions, progress) to standard error,
/// so that an answer can be piped.
/// </summary>
/// <param name="input">What is typed, or piped in.</param>
/// <param name="output">For answers.</param>
/// <param name="error">For everything else.</param>
/// <param name="hasPerson">Whether somebody can be asked.</param>
/// <param name="hasReader">Whether answers are read by somebody, and not by a program.</param>
internal sealed class Terminal(TextReader input, TextWriter output, TextWriter error, bool hasPerson, bool hasReader = false)
{
    private static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web)
    {
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
        Converters = { new JsonStringEnumConverter(JsonNamingPolicy.CamelCase) },
    };

    /// <summary>The one of this process.</summary>
    public static Terminal Own { get; } =
        new(
            System.Console.In, System.Console.Out, System.Console.Error, hasPerson: !System.Console.IsInputRedirected && !System.Console.IsErrorRedirected,
            hasReader: !System.Console.IsOutputRedirected);

    /// <summary>For answers.</summary>
    public TextWriter Output => output;

    /// <summary>For everything else.</summary>
    public TextWriter Error => error;

    /// <summary>Whether somebody can be asked.</summary>
    public bool HasPerson => hasPerson;

    /// <summary>The whole answer as one line of JSON.</summary>
    public void WriteJson(object answer) => output.WriteLine(JsonSerializer.Serialize(answer, answer.GetType(), Json));

    /// <summary>
    /// Columns as wide as their widest cell; the last one is left as it is. For whoever reads it with a line of names above; a
    /// program that reads lines gets rows and nothing else.
    /// </summary>
    public void WriteTable(IReadOnlyList<string[]> rows, params string[] names)
    {
        if (rows.Count == 0)
            return;
        if (hasReader && names.Length > 0)
        {
            WriteNamed(rows, names);
            return;
        }

        var widths = Enumerable.Range(0, rows[0].Length).Select(column => rows.Max(row => row[column].Length)).ToList();
        foreach (var row in rows)
            output.WriteLine(string.Join("  ", row.Select((cell, column) => cell.PadRight(widths[column]))).TrimEnd());
    }

    private void WriteNamed(IReadOnlyList<string[]> rows, string[] names)
    {
        var table = new Table { Border = TableBorder.Simple };
        foreach (var name in names)
            table.AddColumn(new TableColumn(Markup.Escape(name)) { NoWrap = true });
        foreach (var row in rows)
            table.AddRow([.. row.Select(Markup.Escape)]);
        AnsiConsole.Create(new AnsiConsoleSettings { Out = new AnsiConsoleOutput(output) }).Write(table);
    }

    /// <summary>Anything but a yes is a no.</summary>
    public bool Confirm(string question)
    {
        error.Write($"{question} [y/N] ");
        return input.ReadLine()?.Trim().ToLowerInvariant() is "y" or "yes";
    }

    /// <summary>A line of the input; null at its end.</summary>
    public string? ReadLine() => input.ReadLine();

    /// <summary>Asks somebody for what should not be seen.</summary>
    public string AskSecret(string question) => Console().Prompt(new TextPrompt<string>(question).Secret(null));

    /// <summary>Long work: a bar with the time left where somebody watches, else a line every few seconds.</summary>
    public async Task<T> WithProgress<T>(string what, Func<IProgress<WorkDone>, Task<T>> work)
    {
        var console = Console();
        if (!hasPerson || !console.Profile.Capabilities.Ansi)
            return await work(new ProgressLines(what, error));
        return await console.Progress()
            .AutoClear(true)
            .Columns(new TaskDescriptionColumn(), new ProgressBarColumn(), new PercentageColumn())
            .StartAsync(bars => work(new ProgressBar(what, bars.AddTask(Markup.Escape(what), maxValue: 1))));
    }

    private IAnsiConsole Console() => AnsiConsole.Create(new AnsiConsoleSettings { Out = new AnsiConsoleOutput(error) });

    private sealed class ProgressBar(string what, ProgressTask bar) : IProgress<WorkDone>
    {
        public void Report(WorkDone value)
        {
            bar.Value = value.Share;
            bar.Description = Markup.Escape($"{what}, {value.LeftInWords}");
        }
    }

    private sealed class ProgressLines(string what, TextWriter lines) : IProgress<WorkDone>
    {
        private static readonly TimeSpan Pause = TimeSpan.FromSeconds(5);
        private TimeSpan _next = Pause;

        public void Report(WorkDone value)
        {
            if (value.Elapsed < _next)
                return;
            _next = value.Elapsed + Pause;
            lines.WriteLine(FormattableString.Invariant($"{what}: {value.Done:N0} of {value.Total:N0} ({value.Share:P0}), {value.LeftInWords}"));
        }
    }
}

/// <summary>How far long work is.</summary>
internal readonly record struct WorkDone(long Done, long Total, TimeSpan Elapsed, TimeSpan? Left)
{
    /// <summary>Where what is left takes as long as what is done.</summary>
    public static WorkDone At(long done, long total, TimeSpan elapsed) =>
        new(done, total, elapsed, done == 0 ? null : elapsed * (Math.Max(0, total - done) / (double)done));

    public double Share => Total == 0 ? 1 : Math.Min(1, Done / (double)Total);

    public string LeftInWords => Left switch
    {
        null => "time left unknown",
        { TotalMinutes: >= 1 } left => FormattableString.Invariant($"{left.TotalMinutes:F0} min left"),
        { } left => FormattableString.Invariant($"{Math.Ceiling(left.TotalSeconds):F0} s left"),
    };
}
