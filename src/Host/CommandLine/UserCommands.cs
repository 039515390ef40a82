using System.CommandLine;
using Modular.Identity.Contracts;

namespace Modular.Host.CommandLine;

/// <summary><c>users …</c>: what an operator does to users without signing in.</summary>
internal static class UserCommands
{
    public static Command All(CommandRunner runner) => new("users", "What an operator does to users without signing in.")
    {
        ListCommand.Of(runner),
        CreateAdmin(runner),
        SetPassword(runner),
        Unlock(runner),
        ResetTwoFactor(runner),
        ImportCommand.Of(runner),
    };

    private static Command CreateAdmin(CommandRunner runner)
    {
        var email = Email();
        var name = new Option<string>("--name") { Description = "The name of a new user.", DefaultValueFactory = _ => "Administrator" };
        var fromInput = FromInput();
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

    private static Command SetPassword(CommandRunner runner)
    {
        var (email, fromInput) = (Email(), FromInput());
        var set = runner.Command(
            "set-password",
            "Give a password to a user who has none, e.g. one who came from a provider. They are told by mail.",
            async (command, ct) =>
            {
                var password = Password(command.Terminal, command.Parsed.GetValue(fromInput));
                var done = await command.Send(new SetPassword(command.Parsed.GetValue(email)!, password), ct);
                if (done.Problem is { } problem)
                    throw new CommandFailedException(problem);
                command.Answer(new { userId = done.UserId }, terminal => terminal.Output.WriteLine($"{done.UserId} has a password now."));
                return ExitCode.Done;
            });
        set.Add(email);
        set.Add(fromInput);
        return set;
    }

    private static Command Unlock(CommandRunner runner)
    {
        var email = Email();
        var unlock = runner.Command(
            "unlock",
            "Let somebody try their password again who has to wait because it was guessed wrong too often.",
            async (command, ct) =>
            {
                var done = await command.Send(new UnlockUser(command.Parsed.GetValue(email)!), ct);
                if (done.Problem is { } problem)
                    throw new CommandFailedException(problem);
                command.Answer(
                    new { userId = done.UserId, failures = done.Failures },
                    terminal => terminal.Output.WriteLine(
                        $"{done.UserId} need not wait any more; {done.Failures} wrong password{(done.Failures == 1 ? " is" : "s are")} forgotten."));
                return ExitCode.Done;
            });
        unlock.Add(email);
        return unlock;
    }

    private static Command ResetTwoFactor(CommandRunner runner)
    {
        var email = Email();
        var reset = runner.Command(
            "reset-two-factor",
            "Turn the second factor of somebody off who has lost it. They are told by mail, and their sessions end.",
            async (command, ct) =>
            {
                var done = await command.Send(new ResetTwoFactor(command.Parsed.GetValue(email)!), ct);
                if (done.Problem is { } problem)
                    throw new CommandFailedException(problem);
                command.Answer(new { userId = done.UserId }, terminal => terminal.Output.WriteLine($"{done.UserId} signs in with the password alone now."));
                return ExitCode.Done;
            });
        reset.Add(email);
        return reset;
    }

    private static Argument<string> Email() => new("EMAIL") { Description = "The address to sign in with." };

    private static Option<bool> FromInput() =>
        new("--password-stdin") { Description = "Read the password from standard input instead of asking for it." };

    private static string Password(Terminal terminal, bool fromInput)
    {
        if (fromInput)
            return terminal.ReadLine() ?? "";
        if (!terminal.HasPerson)
            throw new UsageException("Nobody can be asked here: give the password on standard input and say --password-stdin.");
        return terminal.AskSecret("Password:");
    }
}
