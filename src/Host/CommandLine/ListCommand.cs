using System.CommandLine;
using System.Globalization;
using Modular.Identity.Contracts;
using Modular.Store;

namespace Modular.Host.CommandLine;

/// <summary><c>users list</c>: a page of users, in the order in which they registered.</summary>
internal static class ListCommand
{
    private const int MostUsers = 1000;

    public static Command Of(CommandRunner runner)
    {
        var search = new Option<string?>("--search") { Description = "Part of a name or an address, in any case." };
        var role = new Option<string?>("--role") { Description = "Only who has it: admin, pm, mentor, mentee or user." };
        role.AcceptOnlyFromAmong("admin", "pm", "mentor", "mentee", "user");
        var status = new Option<string?>("--status") { Description = "active, inactive or suspended." };
        status.AcceptOnlyFromAmong("active", "inactive", "suspended");
        var organization = new Option<string?>("--organization") { Description = "Only members of it, by its id." };
        var limit = new Option<int>("--limit") { Description = $"How many at most, up to {MostUsers}.", DefaultValueFactory = _ => 50 };
        limit.Validators.Add(given =>
        {
            if (!given.Implicit && given.GetValueOrDefault<int>() is < 1 or > MostUsers)
                given.AddError($"--limit is from 1 to {MostUsers}.");
        });
        var after = new Option<string?>("--after") { Description = "Where the page before ended, as it has said." };
        after.Validators.Add(given =>
        {
            if (given.GetValueOrDefault<string>() is { } text && Cursor(text) is null)
                given.AddError("--after takes what the page before has said.");
        });
        var list = runner.Command(
            "list", "List users, in the order in which they registered, a page at a time.",
            async (command, ct) =>
            {
                await Invocation.Explained(() => command.Get<SchemaMigrator>().EnsureApplied(ct));
                var (given, most) = (command.Parsed, command.Parsed.GetValue(limit));
                var last = given.GetValue(after) is { } text ? Cursor(text) : null;
                var found = await command.Send(
                    new ListPeople(
                        given.GetValue(search), given.GetValue(role), given.GetValue(status), given.GetValue(organization), last?.At, last?.Id, most + 1),
                    ct);
                PersonFacts[] shown = [.. found.Take(most)];
                Answer(command, shown, found.Count > most ? FormattableString.Invariant($"{shown[^1].CreatedAt.UtcTicks}.{shown[^1].UserId}") : null);
                return ExitCode.Done;
            });
        foreach (var option in (Option[])[search, role, status, organization, limit, after])
            list.Add(option);
        return list;
    }

    private static void Answer(Invocation command, PersonFacts[] users, string? next) => command.Answer(new { users, next }, terminal =>
    {
        terminal.WriteTable(
            [.. users.Select(user => new[] { user.UserId, user.CreatedAt.UtcDateTime.ToString("u", CultureInfo.InvariantCulture), user.Role, user.Status, user.Email, user.Name })],
            "id", "registered", "role", "status", "address", "name");
        if (users.Length == 0)
            terminal.Output.WriteLine("Nobody.");
        if (next is not null)
            terminal.Error.WriteLine($"There are more: --after {next}");
    });

    private static (DateTimeOffset At, string Id)? Cursor(string text) =>
        text.IndexOf('.') is > 0 and var dot && long.TryParse(text[..dot], CultureInfo.InvariantCulture, out var ticks) && ticks > 0 && ticks < DateTime.MaxValue.Ticks
            ? (new DateTimeOffset(ticks, TimeSpan.Zero), text[(dot + 1)..])
            : null;
}
