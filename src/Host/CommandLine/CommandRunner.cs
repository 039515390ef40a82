using System.CommandLine;

namespace Modular.Host.CommandLine;

/// <summary>The command was asked for in a way that cannot be followed.</summary>
internal sealed class UsageException(string message) : Exception(message);

/// <summary>The command could not do its work, for a reason that one sentence explains.</summary>
internal sealed class CommandFailedException(string message, Exception? cause = null) : Exception(message, cause);

/// <summary>What a command has at hand.</summary>
/// <param name="Services">The Host's.</param>
/// <param name="Parsed">Its options and arguments.</param>
/// <param name="Terminal">Where it speaks.</param>
internal sealed record Invocation(IServiceProvider Services, ParseResult Parsed, Terminal Terminal)
{
    public T Get<T>()
        where T : notnull => Services.GetRequiredService<T>();

    /// <summary>Runs what tells by an <see cref="InvalidOperationException"/> that the moment is wrong for it.</summary>
    public static async Task<T> Explained<T>(Func<Task<T>> work)
    {
        try
        {
            return await work();
        }
        catch (InvalidOperationException problem)
        {
            throw new CommandFailedException(problem.Message, problem);
        }
    }

    /// <summary>Gives the answer in the form that was asked for.</summary>
    public void Answer(object json, Action<Terminal> text)
    {
        if (Parsed.GetValue(CommandRunner.Json))
            Terminal.WriteJson(json);
        else
            text(Terminal);
    }
}

/// <summary>Gives a command a Host to work with, and takes it down afterwards.</summary>
internal sealed class CommandRunner(string[] settings, Terminal terminal)
{
    public static readonly Option<bool> Json = new("--json") { Description = "Answer with JSON.", Recursive = true };

    /// <summary>A command that needs the Host's services.</summary>
    public Command Command(string name, string description, Func<Invocation, CancellationToken, Task<int>> run)
    {
        var command = new Command(name, description);
        command.SetAction(async (parsed, ct) =>
        {
            var host = await HostBuilding.BuildForCommand(settings, terminal.Error);
            // The container holds things that can only be disposed asynchronously.
            await using var _ = (IAsyncDisposable)host;
            return await run(new Invocation(host.Services, parsed, terminal), ct);
        });
        return command;
    }
}
