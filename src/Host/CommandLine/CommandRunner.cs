using System.CommandLine;
using MediatR;
using Modular.Kernel;
using Modular.Store;

namespace Modular.Host.CommandLine;

/// <summary>The command was asked for in a way that cannot be followed.</summary>
internal sealed class UsageException(string message) : Exception(message);

/// <summary>The command could not do its work, for a reason that one sentence explains.</summary>
internal sealed class CommandFailedException(string message, Exception? cause = null) : Exception(message, cause);

/// <summary>What a command has at hand.</summary>
/// <param name="Services">The Host's, in a scope of the command's own.</param>
/// <param name="Parsed">Its options and arguments.</param>
/// <param name="Terminal">Where it speaks.</param>
internal sealed record Invocation(IServiceProvider Services, ParseResult Parsed, Terminal Terminal)
{
    public T Get<T>()
        where T : notnull => Services.GetRequiredService<T>();

    /// <summary>Asks a module, through its contracts.</summary>
    public Task<T> Send<T>(IRequest<T> request, CancellationToken ct) => Get<IMediator>().Send(request, ct);

    /// <summary>Asks a module in a scope of its own, so that several commits and several callers may follow each other.</summary>
    public async Task<T> InScope<T>(IRequest<T> request, Action<Caller> acts, CancellationToken ct)
    {
        await using var scope = Services.GetRequiredService<IServiceScopeFactory>().CreateAsyncScope();
        acts(scope.ServiceProvider.GetRequiredService<Caller>());
        return await scope.ServiceProvider.GetRequiredService<IMediator>().Send(request, ct);
    }

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

    /// <inheritdoc cref="Explained{T}"/>
    public static Task Explained(Func<Task> work) => Explained(async () =>
    {
        await work();
        return true;
    });

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
    /// <param name="name">Its verb.</param>
    /// <param name="description">What it does.</param>
    /// <param name="run">Does it.</param>
    /// <param name="configure">What is different in the Host of this command.</param>
    public Command Command(
        string name, string description, Func<Invocation, CancellationToken, Task<int>> run, Action<IHostApplicationBuilder>? configure = null)
    {
        var command = new Command(name, description);
        command.SetAction(async (parsed, ct) =>
        {
            var host = await HostBuilding.BuildForCommand(settings, terminal.Error, configure);
            // The container holds things that can only be disposed asynchronously.
            await using var _ = (IAsyncDisposable)host;
            await using var scope = host.Services.CreateAsyncScope();
            var exitCode = await run(new Invocation(scope.ServiceProvider, parsed, terminal), ct);
            await scope.ServiceProvider.GetRequiredService<FeedSignal>().TellWhatIsLeft(scope.ServiceProvider.GetRequiredService<StoreDatabase>(), ct);
            return exitCode;
        });
        return command;
    }

    /// <summary>One that may need no Host: <paramref name="alone"/> answers null where it does.</summary>
    public Command Command(
        string name, string description, Func<Terminal, ParseResult, CancellationToken, Task<int?>> alone, Func<Invocation, CancellationToken, Task<int>> run)
    {
        var command = Command(name, description, run);
        var withHost = (System.CommandLine.Invocation.AsynchronousCommandLineAction)command.Action!;
        command.SetAction(async (parsed, ct) => await alone(terminal, parsed, ct) ?? await withHost.InvokeAsync(parsed, ct));
        return command;
    }
}
