using System.Diagnostics.Metrics;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;

namespace Modular.Identity.Tests;

public sealed class PasswordQueueTests
{
    private static readonly IMeterFactory Meters = new ServiceCollection().AddMetrics().BuildServiceProvider().GetRequiredService<IMeterFactory>();

    private static PasswordQueue Queue(int iterations, int threads = 1, int perThread = 1) =>
        new(Options.Create(new PasswordOptions { Iterations = iterations, Threads = threads, QueuePerThread = perThread }), Meters);

    [Fact]
    public async Task A_password_is_hashed_and_compared()
    {
        using var queue = Queue(iterations: 10);
        var hash = (await queue.Hash("correct horse", default)).Answer;
        Assert.Equal(new PasswordMatch(IsRight: true, IsOutdated: false), (await queue.Verify(hash, "correct horse", default)).Answer);
        Assert.Equal(new PasswordMatch(IsRight: false, IsOutdated: false), (await queue.Verify(hash, "wrong", default)).Answer);
    }

    [Fact]
    public async Task Nobodys_password_is_wrong_and_costs_a_hash_too()
    {
        using var queue = Queue(iterations: 10);
        Assert.Equal(default, (await queue.Verify(null, "correct horse", default)).Answer);
        Assert.Equal(1, queue.Operations);
    }

    [Fact]
    public async Task A_full_queue_answers_503_at_once()
    {
        using var queue = Queue(iterations: 300_000);
        var asked = Enumerable.Range(0, 20).Select(_ => queue.Hash("correct horse", default)).ToList();
        var answers = await Task.WhenAll(asked);
        var refused = answers.Where(answer => answer.Refusal is not null).ToList();
        Assert.NotEmpty(refused);
        Assert.All(refused, answer => Assert.Equal(503, answer.Refusal!.Status));
        Assert.Contains(answers, answer => answer.Refusal is null);
    }

    [Fact]
    public async Task Who_has_gone_away_is_not_hashed_for()
    {
        using var queue = Queue(iterations: 10);
        await Assert.ThrowsAsync<TaskCanceledException>(() => queue.Hash("correct horse", new CancellationToken(canceled: true)));
        Assert.Equal(0, queue.Operations);
    }

    [Fact]
    public async Task A_stored_text_that_is_no_hash_is_a_fault_of_that_request_alone()
    {
        using var queue = Queue(iterations: 10);
        await Assert.ThrowsAsync<FormatException>(() => queue.Verify("broken", "correct horse", default));
        Assert.Null((await queue.Hash("correct horse", default)).Refusal);
    }

    [Fact]
    public async Task Its_threads_are_nice()
    {
        if (!OperatingSystem.IsLinux())
            return;
        using var queue = Queue(iterations: 10);
        await queue.Hash("once it works its thread has started", default);
        var nice = Directory.EnumerateDirectories("/proc/self/task").Select(Nice).ToList();
        Assert.Contains("10", nice);
    }

    // Null of other threads, and of those that have ended since they were listed.
    private static string? Nice(string task)
    {
        try
        {
            // Field 19 of proc(5), counted after the name in parentheses.
            return File.ReadAllText($"{task}/comm").Trim() == PasswordQueue.ThreadName
                ? File.ReadAllText($"{task}/stat").Split(')')[^1].Split(' ')[17]
                : null;
        }
        catch (IOException)
        {
            return null;
        }
    }
}
