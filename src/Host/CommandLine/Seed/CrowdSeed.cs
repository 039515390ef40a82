using System.Diagnostics;
using System.Globalization;
using Modular.Profiles.Contracts;

namespace Modular.Host.CommandLine;

/// <param name="New">Made by this run.</param>
/// <param name="Known">There already.</param>
/// <param name="Problem">What ended it; null: it went to its end.</param>
internal sealed record SeededUsers(int New, int Known, string? Problem = null);

/// <summary>
/// Makes many users, in chunks that are as large as their commits stay short. Their ids say which ones they are, so a run that
/// was interrupted goes on with those who are missing.
/// </summary>
internal sealed class CrowdSeed(Invocation command, string password, IProgress<WorkDone> progress)
{
    /// <summary>One prepares its rows while PostgreSQL takes those of the other.</summary>
    private const int Lanes = 2;

    private const int MostAtOnce = 1000;

    private static readonly TimeSpan Long = TimeSpan.FromMilliseconds(800);
    private static readonly TimeSpan Short = TimeSpan.FromMilliseconds(500);

    private static readonly string[] First =
        ["Ada", "Alan", "Barbara", "Carol", "Dennis", "Edsger", "Frances", "Grace", "Hedy", "Jean", "Karen", "Ken", "Leslie", "Margaret", "Niklaus", "Radia", "Tim", "Vint", "Wei", "Yukihiro"];

    private static readonly string[] Last =
        ["Adeyemi", "Bianchi", "Chen", "Dubois", "Eriksen", "Fischer", "Garcia", "Haddad", "Ivanova", "Jansen", "Kaya", "Lopez", "Mbeki", "Novak", "Osei", "Park", "Quispe", "Rossi", "Silva", "Tanaka", "Ueda", "Varga", "Wagner"];

    private readonly Stopwatch watch = Stopwatch.StartNew();
    private readonly Lock gate = new();
    private int next;
    private int made;
    private int known;
    private string? problem;

    public async Task<SeededUsers> Run(int users, CancellationToken ct)
    {
        await Task.WhenAll(Enumerable.Range(0, Lanes).Select(_ => Work(users, ct)));
        return new(made, known, problem);
    }

    private async Task Work(int users, CancellationToken ct)
    {
        for (var size = 100; Take(size, users) is { Count: > 0 } chunk;)
        {
            var began = watch.Elapsed;
            var done = await command.InScope(new SeedCrowd(chunk, password), caller => caller.RequestId = "db-seed", ct);
            var took = watch.Elapsed - began;
            size = took > Long ? Math.Max(50, size / 2) : took < Short ? Math.Min(MostAtOnce, size * 2) : size;
            lock (gate)
            {
                made += done.New;
                known += done.Problem is null ? chunk.Count - done.New : 0;
                problem ??= done.Problem;
                progress.Report(WorkDone.At(made + known, users, watch.Elapsed));
            }
        }
    }

    private List<SeedFace> Take(int size, int users)
    {
        lock (gate)
        {
            if (problem is not null)
                return [];
            var from = next;
            next = Math.Min(users, from + size);
            return [.. Enumerable.Range(from + 1, next - from).Select(Face)];
        }
    }

    private static SeedFace Face(int number)
    {
        var (first, last) = (First[number % First.Length], Last[number % Last.Length]);
        return new(
            string.Create(CultureInfo.InvariantCulture, $"seed-user-{number:d9}"), $"{first} {last}",
            string.Create(CultureInfo.InvariantCulture, $"{first.ToLowerInvariant()}.{last.ToLowerInvariant()}.{number}@load.example"));
    }
}
