using System.CommandLine;
using System.Text.RegularExpressions;
using Microsoft.AspNetCore.Connections;
using Microsoft.Extensions.Options;
using Modular.Host.Database;
using Modular.Store;
using Npgsql;

namespace Modular.Host.CommandLine;

/// <summary>What a process ends with.</summary>
internal static class ExitCode
{
    public const int Done = 0;

    /// <summary>It went wrong, or what was compared differs.</summary>
    public const int Failed = 1;

    /// <summary>It was asked for in a way that cannot be followed; nothing was done.</summary>
    public const int Usage = 2;
}

/// <summary>The command line: the server, or one command and its answer.</summary>
internal static partial class Verbs
{
    private static readonly TimeSpan TimeToTidyUp = TimeSpan.FromSeconds(10);

    public static async Task<int> Run(string[] args, Terminal terminal, CancellationToken ct = default)
    {
        try
        {
            var arguments = Arguments.Sort(args);
            return arguments.IsServe
                ? await Serve(Arguments.WithoutVerb(args))
                : await Invoke(arguments, terminal, ct);
        }
        catch (UsageException problem)
        {
            terminal.Error.WriteLine(problem.Message);
            return ExitCode.Usage;
        }
        catch (Exception problem) when (Sentence(problem) is not null)
        {
            terminal.Error.WriteLine(Sentence(problem));
            return ExitCode.Failed;
        }
    }

    private static async Task<int> Serve(string[] args)
    {
        await using var app = await HostBuilding.Build(args);
        await app.RunAsync();
        return ExitCode.Done;
    }

    private static async Task<int> Invoke(Arguments arguments, Terminal terminal, CancellationToken ct)
    {
        var parsed = Parse(arguments, terminal);
        var exitCode = await parsed.InvokeAsync(
            new InvocationConfiguration
            {
                Output = terminal.Output,
                Error = terminal.Error,
                EnableDefaultExceptionHandler = false,
                ProcessTerminationTimeout = TimeToTidyUp,
            },
            ct);
        return parsed.Errors.Count > 0 ? ExitCode.Usage : exitCode;
    }

    private static ParseResult Parse(Arguments arguments, Terminal terminal)
    {
        try
        {
            // An address may begin with what would name a file of arguments.
            return Root(new CommandRunner(arguments.Settings, terminal)).Parse(arguments.Words, new ParserConfiguration { ResponseFileTokenReplacer = null });
        }
        catch (InvalidOperationException unreadable)
        {
            // What a validator of ours meets where a number is none.
            throw new UsageException(unreadable.Message);
        }
    }

    /// <summary>Every command there is.</summary>
    public static RootCommand Root(CommandRunner runner)
    {
        var root = new RootCommand(
            """
            Modular: identity, sessions and an audit log on PostgreSQL.

            Without a command the server runs. Settings are given to any command as --Key:Name=value or by the
            environment; docs/configuration.md lists them. Exit codes: 0 done, 1 failed or different, 2 wrong usage.
            """);
        root.Add(CommandRunner.Json);
        root.Add(new Command("serve", "Runs the server (the default). Takes any setting, e.g. --urls http://localhost:5000."));
        root.Add(DatabaseCommands.All(runner));
        root.Add(AuditCommands.All(runner));
        root.Add(MessageCommands.All(runner));
        root.Add(UserCommands.All(runner));
        root.Add(SessionCommands.All(runner));
        root.Add(SecretCommands.All(runner));
        return root;
    }

    /// <summary>What whoever started the process can mend, in one sentence; null for a bug, which deserves its stack trace.</summary>
    private static string? Sentence(Exception problem) => problem switch
    {
        DatabaseSetupException => problem.Message,
        OptionsValidationException options => string.Join(Environment.NewLine, options.Failures),
        InvalidOperationException { InnerException: OptionsValidationException options } => string.Join(Environment.NewLine, options.Failures),
        InvalidOperationException when Unreadable().Match(problem.Message) is { Success: true } wrong =>
            $"{wrong.Groups["key"].Value} cannot be '{wrong.Groups["value"].Value}'; docs/configuration.md says what it may be.",
        IOException { InnerException: AddressInUseException } => problem.Message,
        OperationCanceledException => "Cancelled.",
        PostgresException refused => $"The database refused: {refused.MessageText}",
        NpgsqlException => $"The database does not answer: {problem.Message}",
        ConcurrencyException or DocumentAlreadyExistsException => "Somebody else was faster, and nothing was changed: try again.",
        CommandFailedException or BackupException or UnknownEventTypeException or WrongSecretException => problem.Message,
        _ => null,
    };

    // What the framework's binder says of a value that it cannot read.
    [GeneratedRegex("^Failed to convert configuration value '(?<value>.*)' at '(?<key>[^']+)' to type", RegexOptions.ExplicitCapture | RegexOptions.Singleline)]
    private static partial Regex Unreadable();
}
