using Modular.Store;

namespace Modular.Kernel;

/// <summary>The one table of the kernel's own.</summary>
internal static class RateLimitSchema
{
    public const string Name = "kernel";

    // No index on the end of the window: with one, counting a request would write an index entry too. The table holds
    // the keys of some minutes, and is read whole to sweep it.
    private const string RateLimits = """
        create table {schema}.rate_limits (
            key bytea primary key,
            requests integer not null,
            window_ends timestamptz not null)
            with (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.05, autovacuum_vacuum_threshold = 2000,
                autovacuum_vacuum_cost_delay = 0);
        """;

    public static void Configure(StoreOptions store) => store.Storage.Script("001-rate-limits", RateLimits);
}
