using Microsoft.Extensions.Logging;
using Modular.Kernel;
using Modular.Store;

namespace Modular.Identity;

/// <summary>Removes codes that are over, every hour; two nodes at once do each other no harm.</summary>
internal sealed class EmailCodesSweep(StoreDatabase database, TimeProvider clock, ILogger<EmailCodesSweep> log)
    : HourlySweep("Codes that are over could not be removed", clock, log)
{
    private const int Chunk = 1_000;

    protected override async Task SweepAll(CancellationToken ct)
    {
        while (await EmailCodes.Sweep(database, Clock.GetUtcNow(), Chunk, ct) == Chunk)
        {
            // One transaction per chunk.
        }
    }
}
