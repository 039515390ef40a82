using Microsoft.Extensions.Logging;
using Modular.Kernel;

namespace Modular.Identity;

/// <summary>Removes counts of guesses that are forgotten, every hour; two nodes at once do each other no harm.</summary>
internal sealed class GuessCountsSweep(GuessCounts counts, TimeProvider clock, ILogger<GuessCountsSweep> log)
    : HourlySweep("Forgotten counts of password guesses could not be removed", clock, log)
{
    private const int Chunk = 5_000;

    protected override async Task SweepAll(CancellationToken ct)
    {
        while (await counts.RemoveForgotten(Chunk, ct) == Chunk)
        {
            // One transaction per chunk.
        }
    }
}
