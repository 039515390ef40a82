using System.CommandLine;
using Modular.Identity.Contracts;

namespace Modular.Host.CommandLine;

/// <summary><c>users …</c>: what an operator does to users without signing in.</summary>
internal static class UserCommands
{
    public static Command All(CommandRunner runner) => new("users", "What an operator does to users without signing in.")
    {
        CreateAdmin(runner),
    };

    private static Command CreateAdmin(CommandRunner runner)
    {
        var email = new Argument<string>("EMAIL") { Description = "The address to sign in with." };
        var name = new Option<string>("--name") { Description = "The name of a new user.", DefaultValueFactory = _ => "Administrator" };
        var fromInput = new Option<bool>("--password-stdin") { Description = "Read the password from standard input instead of asking for it." };
        var create = runner.Command(
            "create-admin",
            "Make an administrator. Somebody who has the address already gets the role and the new password, and their sessions end.",
            async (command, ct) =>
            {
                var password = Password(command.Terminal, command.Parsed.GetValue(fromInput));
                var made = await command.Send(
                    new CreateAdministrator(command.Parsed.GetValue(email)!, password, command.Parsed.GetValue(name)!), ct);
                if (made.Problem is { } problem)
                    throw new CommandFailedException(problem);
                command.Answer(
                    new { userId = made.UserId, registered = made.IsNew },
                    terminal => terminal.Output.WriteLine($"{made.UserId} is {(made.IsNew ? "registered as" : "now")} an administrator."));
                return ExitCode.Done;
            });
        create.Add(email);
        create.Add(name);
        create.Add(fromInput);
        return create;
    }

    private static string Password(Terminal terminal, bool fromInput)
    {
        if (fromInput)
            return terminal.ReadLine() ?? "";
        if (!terminal.HasPerson)
            throw new UsageException("Nobody can be asked here: give the password on standard input and say --password-stdin.");
        return terminal.AskSecret("Password:");
    }
}
