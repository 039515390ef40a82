using System.Buffers.Text;
using System.CommandLine;
using System.Diagnostics;
using System.Security.Cryptography;
using Modular.Kernel;
using Modular.Profiles.Contracts;
using Modular.Store;

namespace Modular.Host.CommandLine;

/// <summary><c>db seed</c>: people and office sessions to try things with, and a crowd to see how all of it bears them.</summary>
internal static class SeedCommand
{
    private const int MostUsers = 100_000_000;

    /// <summary>What the log shows of every act of a seed, whose times are those of the story.</summary>
    private const string RequestId = "db-seed";

    private static readonly TimeSpan Hour = TimeSpan.FromHours(1);

    public static Command Of(CommandRunner runner)
    {
        var users = new Option<int>("--users") { Description = "So many further users, each with an account and an empty profile." };
        users.Validators.Add(given =>
        {
            if (given.GetValueOrDefault<int>() is < 0 or > MostUsers)
                given.AddError($"--users is from 0 to {MostUsers}.");
        });
        var force = new Option<bool>("--force") { Description = "Also in Production." };
        var seed = runner.Command(
            "seed",
            "Make an administrator, five mentors, five mentees and twenty office sessions in all states. Run again, it goes on where it was interrupted; what is there stays as it is.",
            async (command, ct) =>
            {
                var environment = command.Get<IHostEnvironment>();
                if (environment.IsProduction() && !command.Parsed.GetValue(force))
                    throw new UsageException("This is Production (ASPNETCORE_ENVIRONMENT says so, or nothing does): say --force to have people in it whom you can sign in as.");
                await Migrate(command, ct);
                return await new Seed(command, PasswordFor(environment)).Run(command.Parsed.GetValue(users), ct);
            },
            builder =>
            {
                builder.Services.AddSingleton<SeedClock>().AddSingleton<TimeProvider>(provider => provider.GetRequiredService<SeedClock>());
                // The story goes by the rules that hold where nobody has set others.
                foreach (var rule in (string[])["BookingNotice", "CancelNotice", "MaxRequestsPerDay"])
                    builder.Configuration[$"OfficeSessions:{rule}"] = null;
            });
        seed.Add(users);
        seed.Add(force);
        return seed;
    }

    // As the start of a server does, which may be the next thing that happens.
    private static Task Migrate(Invocation command, CancellationToken ct)
    {
        var migrator = command.Get<SchemaMigrator>();
        return Invocation.Explained(() => command.Get<IConfiguration>().GetValue("Modular:AutoMigrate", true) ? migrator.Apply(ct) : migrator.EnsureApplied(ct));
    }

    // A password that everybody knows opens nothing that strangers can reach.
    private static string PasswordFor(IHostEnvironment environment) =>
        environment.IsDevelopment() ? SeedPeople.DevelopmentPassword : Base64Url.EncodeToString(RandomNumberGenerator.GetBytes(18));

    private sealed class Seed(Invocation command, string password)
    {
        private readonly SeedClock clock = command.Get<SeedClock>();
        private readonly List<string> problems = [];
        private (int New, int Known, int Gone) people;
        private int steps;

        public async Task<int> Run(int users, CancellationToken ct)
        {
            var all = SeedPeople.All(password);
            await command.Terminal.WithProgress("Seeding", progress => People(all, progress, ct));
            clock.PutRight();
            var crowd = users == 0
                ? new SeededUsers(0, 0)
                : await command.Terminal.WithProgress("Making users", progress => new CrowdSeed(command, password, progress).Run(users, ct));
            if (crowd.Problem is not null)
                problems.Add(crowd.Problem);
            Answer(crowd);
            return problems.Count == 0 ? ExitCode.Done : ExitCode.Failed;
        }

        private async Task<bool> People(IReadOnlyList<SeedPerson> all, IProgress<WorkDone> progress, CancellationToken ct)
        {
            var watch = Stopwatch.StartNew();
            var began = Floor(TimeProvider.System.GetUtcNow()) - SeedStory.Before;
            var gone = new HashSet<string>();
            for (var at = 0; at < all.Count; at++)
            {
                clock.PutTo(began + (at * Hour));
                var made = await command.InScope(all[at], Acts(null), ct);
                if (made.Problem is { } problem)
                    throw new CommandFailedException(problem);
                // What was begun before is told to its end from the same moment.
                if (at == 0)
                    began = Floor(made.At);
                people = (people.New + (made.IsNew ? 1 : 0), people.Known + (made.IsNew || made.IsGone ? 0 : 1), people.Gone + (made.IsGone ? 1 : 0));
                if (made.IsGone)
                    gone.Add(all[at].UserId);
                progress.Report(WorkDone.At(at + 1, all.Count * 6, watch.Elapsed));
            }

            var story = SeedStory.Steps(began + SeedStory.Before, all).Where(step => !gone.Contains(step.Command.MentorId) && !gone.Contains(step.Command.MenteeId)).ToList();
            for (var at = 0; at < story.Count; at++)
            {
                clock.PutTo(story[at].At);
                var taken = await command.InScope(story[at].Command, Acts(story[at].Actor), ct);
                steps += taken.IsNew ? 1 : 0;
                if (taken.Problem is { } problem)
                    problems.Add($"{story[at].Command.Step} of {story[at].Command.MenteeId} and {story[at].Command.MentorId} on {story[at].Command.StartsAt:yyyy-MM-dd}: {problem}.");
                progress.Report(WorkDone.At(all.Count + ((at + 1) * all.Count * 5 / story.Count), all.Count * 6, watch.Elapsed));
            }

            return true;
        }

        private static Action<Caller> Acts(string? actor) => caller => (caller.UserId, caller.RequestId) = (actor, RequestId);

        // The first one registers at the full hour or a moment later, however long it takes.
        private static DateTimeOffset Floor(DateTimeOffset at) => new(at.UtcTicks - (at.UtcTicks % Hour.Ticks), TimeSpan.Zero);

        private void Answer(SeededUsers crowd)
        {
            var isNew = people.New > 0 || crowd.New > 0;
            command.Answer(
                new
                {
                    people = new { people.New, people.Known, people.Gone },
                    officeSessions = new { Steps = steps },
                    users = new { crowd.New, crowd.Known },
                    password = isNew ? password : null,
                    problems,
                },
                terminal =>
                {
                    terminal.Output.WriteLine(people.New == 0 && steps == 0
                        ? "The people and their office sessions were here already; nothing was changed."
                        : $"Made {people.New} people ({people.Known} were here already) and took {steps} steps of {SeedStory.Count} office sessions.");
                    if (people.Gone > 0)
                        terminal.Output.WriteLine($"{people.Gone} were deleted since an earlier seed, and stay so.");
                    if (crowd.New + crowd.Known > 0)
                        terminal.Output.WriteLine(FormattableString.Invariant($"Made {crowd.New:N0} users ({crowd.Known:N0} were here already)."));
                    if (isNew)
                        terminal.Output.WriteLine($"Who was made now signs in with the password: {password}");
                    if (people.New > 0)
                        terminal.Output.WriteLine("The administrator is admin@seed.example; the others are mentor-1@seed.example and mentee-1@seed.example to 5.");
                    foreach (var problem in problems)
                        terminal.Output.WriteLine(problem);
                });
        }
    }
}
