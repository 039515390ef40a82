using System.CommandLine;
using Modular.Audit.Contracts;

namespace Modular.Host.CommandLine;

/// <summary><c>audit as-of</c>: who was signed in where, with which roles and memberships, at a time, or what was not the same at two.</summary>
internal static class AsOfCommand
{
    private const int PageUsers = 100;

    public static Command Of(CommandRunner runner)
    {
        var at = new Option<DateTimeOffset?>("--at") { Description = "The time, e.g. 2026-01-31T12:00:00Z." };
        var from = new Option<DateTimeOffset?>("--from") { Description = "With --to: what was not the same at both." };
        var to = new Option<DateTimeOffset?>("--to") { Description = "The later of two times." };
        var user = new Option<string?>("--user") { Description = "Only the user of this id." };
        var command = runner.Command(
            "as-of", "Who was signed in where, with which roles and memberships, at a time. With --json one user a line.",
            (invocation, ct) => invocation.Parsed.GetValue(at) is { } time
                ? Write(invocation, time, invocation.Parsed.GetValue(user), ct)
                : Write(invocation, invocation.Parsed.GetValue(from)!.Value, invocation.Parsed.GetValue(to)!.Value, invocation.Parsed.GetValue(user), ct));
        foreach (var option in (Option[])[at, from, to, user])
            command.Add(option);
        command.Validators.Add(given =>
        {
            var (has, begin, end) = (given.GetValue(at) is not null, given.GetValue(from), given.GetValue(to));
            if (has == (begin is not null || end is not null) || (!has && !(begin < end)))
                given.AddError("Either --at, or --from and a later --to, has to be given.");
        });
        return command;
    }

    private static async Task<int> Write(Invocation command, DateTimeOffset at, string? user, CancellationToken ct)
    {
        for (string? after = null; ;)
        {
            var page = await command.Send(new StateAsOf(at, user, after, PageUsers), ct);
            foreach (var person in page.Users)
                command.Answer(person, terminal => Write(terminal, person));
            Warn(command, after, page.IsComplete);
            if ((after = page.Next) is null)
                return ExitCode.Done;
        }
    }

    private static async Task<int> Write(Invocation command, DateTimeOffset from, DateTimeOffset to, string? user, CancellationToken ct)
    {
        for (string? after = null; ;)
        {
            var page = await command.Send(new DifferenceAsOf(from, to, user, after, PageUsers), ct);
            foreach (var person in page.Users)
                command.Answer(person, terminal => Write(terminal, person));
            Warn(command, after, page.IsComplete);
            if ((after = page.Next) is null)
                return ExitCode.Done;
        }
    }

    private static void Warn(Invocation command, string? after, bool isComplete)
    {
        if (after is null && !isComplete)
            command.Terminal.Error.WriteLine("The beginning of the log is gone: who registered before is missing.");
    }

    private static void Write(Terminal terminal, PastPerson person)
    {
        terminal.Output.WriteLine(FormattableString.Invariant(
            $"{person.Id}  {person.Status,-9}  {string.Join(',', person.Roles)}  {person.Email ?? (person.IsErased ? "(erased)" : "")}"));
        foreach (var membership in person.Memberships)
            terminal.Output.WriteLine(FormattableString.Invariant($"    member of {membership.OrganizationId} as {membership.Role} since {membership.Since:u}"));
        foreach (var session in person.Sessions)
            terminal.Output.WriteLine(Line("session", session));
    }

    private static void Write(Terminal terminal, PersonDifference person)
    {
        terminal.Output.WriteLine($"{person.Id}  {(person.IsNew ? "came" : person.IsGone ? "went" : "changed")}");
        foreach (var (name, value) in (IEnumerable<(string, ValueDifference?)>)[("roles", person.Roles), ("status", person.Status)])
        {
            if (value is not null)
                terminal.Output.WriteLine($"    {name} {value.From ?? "-"} -> {value.To ?? "-"}");
        }

        foreach (var membership in person.MembershipsBegun)
            terminal.Output.WriteLine($"    + member of {membership.OrganizationId} as {membership.Role}");
        foreach (var membership in person.MembershipsEnded)
            terminal.Output.WriteLine($"    - member of {membership.OrganizationId} as {membership.Role}");
        foreach (var membership in person.MembershipsChanged)
            terminal.Output.WriteLine($"    ~ member of {membership.OrganizationId} as {membership.Role}");
        foreach (var session in person.SessionsStarted)
            terminal.Output.WriteLine(Line("+ session", session));
        foreach (var session in person.SessionsEnded)
            terminal.Output.WriteLine(Line("- session", session));
    }

    private static string Line(string what, PastSession session) => FormattableString.Invariant(
        $"    {what} {session.Id}  {session.Method}  from {session.StartedAt:u} to {session.ExpiresAt:u}  {session.IpAddress}  {session.UserAgent}");
}
