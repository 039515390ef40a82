using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Modular.Kernel;
using Modular.Store;

namespace Modular.Identity;

/// <summary>Forgets messages of Clerk that nobody can send again, every hour.</summary>
internal sealed class ClerkSweep(StoreDatabase database, IOptions<ClerkOptions> options, TimeProvider clock, ILogger<ClerkSweep> log)
    : HourlySweep("Old messages of Clerk could not be forgotten", clock, log)
{
    protected override bool IsOn => options.Value.IsOn;

    protected override Task SweepAll(CancellationToken ct) => ClerkLedger.Sweep(database, Clock.GetUtcNow(), ct);
}
