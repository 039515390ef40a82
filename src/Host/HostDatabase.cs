using Modular.Host.Database;
using Modular.Store;

namespace Modular.Host;

/// <summary>The database of this Host: the one that is configured, or the embedded one.</summary>
internal sealed class HostDatabase : IAsyncDisposable
{
    private readonly EmbeddedPostgres? _embedded;

    private HostDatabase(DatabaseAddress address, Preparing preparing, DatabasePatience patience, EmbeddedPostgres? embedded)
    {
        Address = address;
        Preparing = preparing;
        Store = StoreDatabase.Open(address.Pooled, address.Direct, preparing.IsOn, patience.OfRequests, address.MaySleep, preparing.OnlyWithoutPooler);
        _embedded = embedded;
    }

    public DatabaseAddress Address { get; }

    /// <summary>Whether statements are prepared, and why.</summary>
    public Preparing Preparing { get; }

    public StoreDatabase Store { get; }

    public static async Task<HostDatabase> Open(IConfiguration configuration, string contentRoot, Action<string> say)
    {
        var patience = DatabasePatience.Read(configuration);
        if (DatabaseAddress.FromConfiguration(configuration) is { } given)
        {
            await patience.Reach(given, say);
            var between = await given.EnsureDirect(CancellationToken.None);
            return new HostDatabase(given, await Preparing.Decide(configuration, given, between), patience, embedded: null);
        }

        var options = new EmbeddedPostgresOptions
        {
            ContentRoot = contentRoot,
            DataDirectory = configuration["Modular:DataDirectory"],
            CacheDirectory = configuration["Modular:CacheDirectory"],
        };
        var embedded = await EmbeddedPostgres.StartAsync(options, say, CancellationToken.None);
        var address = DatabaseAddress.OfEmbedded(embedded.ConnectionString, configuration);
        return new HostDatabase(address, Preparing.Embedded, patience, embedded);
    }

    public async ValueTask DisposeAsync()
    {
        await Store.DisposeAsync();
        if (_embedded is not null)
            await _embedded.DisposeAsync();
    }
}
