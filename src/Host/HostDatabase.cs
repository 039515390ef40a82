using Modular.Host.Database;
using Modular.Store;

namespace Modular.Host;

/// <summary>The database of this Host: the one that is configured, or the embedded one.</summary>
internal sealed class HostDatabase : IAsyncDisposable
{
    private readonly EmbeddedPostgres? _embedded;

    private HostDatabase(DatabaseAddress address, bool prepares, EmbeddedPostgres? embedded)
    {
        Address = address;
        Store = StoreDatabase.Open(address.Pooled, address.Direct, prepares);
        _embedded = embedded;
    }

    public DatabaseAddress Address { get; }

    public StoreDatabase Store { get; }

    public static async Task<HostDatabase> Open(IConfiguration configuration, string contentRoot, Action<string> say)
    {
        if (DatabaseAddress.FromConfiguration(configuration) is { } given)
            return new HostDatabase(given, Prepares(configuration, given), embedded: null);

        var options = new EmbeddedPostgresOptions
        {
            ContentRoot = contentRoot,
            DataDirectory = configuration["Modular:DataDirectory"],
            CacheDirectory = configuration["Modular:CacheDirectory"],
        };
        var embedded = await EmbeddedPostgres.StartAsync(options, say, CancellationToken.None);
        return new HostDatabase(DatabaseAddress.OfEmbedded(embedded.ConnectionString, configuration), prepares: true, embedded);
    }

    public async ValueTask DisposeAsync()
    {
        await Store.DisposeAsync();
        if (_embedded is not null)
            await _embedded.DisposeAsync();
    }

    // Two different addresses mean that the first leads to a transaction pooler, which may keep no prepared statements.
    private static bool Prepares(IConfiguration configuration, DatabaseAddress address) =>
        configuration["Modular:PrepareStatements"]?.ToLowerInvariant() switch
        {
            null or "auto" => !address.HasOwnDirect,
            "true" => true,
            "false" => false,
            var other => throw new DatabaseSetupException($"Modular:PrepareStatements must be auto, true or false, it is '{other}'."),
        };
}
