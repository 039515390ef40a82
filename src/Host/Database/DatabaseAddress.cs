using Npgsql;

namespace Modular.Host.Database;

/// <summary>
/// Where the database is, for Npgsql. <paramref name="Pooled"/> may lead through a transaction pooler, so no session
/// state is used on it; <paramref name="Direct"/> is for migrations, LISTEN and advisory locks. Without
/// <paramref name="HasOwnDirect"/> both are the same and must not be a pooler.
/// </summary>
internal sealed record DatabaseAddress(string Pooled, string Direct, bool IsEmbedded, bool HasOwnDirect)
{
    /// <summary>What <see cref="Direct"/> was configured as.</summary>
    public string DirectKey { get; private init; } = "";

    /// <summary>Whether it goes to sleep when nobody uses it (<c>Modular:LetDatabaseSleep</c>).</summary>
    public bool MaySleep { get; private init; }

    public const string PoolSizeKey = "Modular:MaximumPoolSize";

    private const int PoolOfExternal = 32;
    private const string Npgsql = "ConnectionStrings:Modular";

    private static readonly string[] PooledKeys = ["DATABASE_URL", "POSTGRES_PRISMA_URL"];
    private static readonly string[] DirectKeys = ["DATABASE_URL_UNPOOLED", "POSTGRES_URL_NON_POOLING"];

    /// <summary>Few connections are fastest; measured on two cores, four beat eight.</summary>
    private static int PoolOfEmbedded => Math.Max(4, 2 * Environment.ProcessorCount);

    /// <summary>Null where nothing is configured: then the embedded server is meant, see <see cref="OfEmbedded"/>.</summary>
    public static DatabaseAddress? FromConfiguration(IConfiguration configuration)
    {
        var pool = ConfiguredPool(configuration) ?? PoolOfExternal;
        var pooled = First(configuration, PooledKeys);
        var direct = First(configuration, DirectKeys);
        if ((pooled ?? direct ?? First(configuration, [Npgsql])) is not { } some)
            return null;
        var isPair = pooled is not null && direct is not null;
        return new(Complete(some, pool), Complete(direct ?? some, pool), IsEmbedded: false, HasOwnDirect: isPair)
        {
            DirectKey = (direct ?? some).Key,
            MaySleep = configuration["Modular:LetDatabaseSleep"]?.ToLowerInvariant() switch
            {
                null or "" or "auto" => IsServerless(Parse((direct ?? some).Key, (direct ?? some).Value)),
                "true" => true,
                "false" => false,
                var other => throw new DatabaseSetupException($"Modular:LetDatabaseSleep must be auto, true or false, it is '{other}'."),
            },
        };
    }

    /// <summary>Whether an address is one that Neon or Supabase gives to its transaction pooler.</summary>
    internal static bool IsNamedPooler(string connectionString)
    {
        var address = new NpgsqlConnectionStringBuilder(connectionString);
        var host = address.Host!.ToLowerInvariant();
        return (host.EndsWith(".neon.tech", StringComparison.Ordinal) && host.Split('.')[0].EndsWith("-pooler", StringComparison.Ordinal))
            || (address.Port == 6543 && (host.EndsWith(".supabase.com", StringComparison.Ordinal) || host.EndsWith(".supabase.co", StringComparison.Ordinal)));
    }

    /// <summary>Migrations, LISTEN and locks need connections that stay one session. Returns what was seen.</summary>
    public async Task<Between> EnsureDirect(CancellationToken ct)
    {
        var found = await PoolerProbe.Look(Direct, ct);
        // What is seen is certain; where nothing was seen the names that Neon and Supabase give their poolers still tell.
        if (found == Between.TransactionPooler || (found == Between.Something && IsNamedPooler(Direct)))
        {
            throw new DatabaseSetupException(HasOwnDirect
                ? $"{DirectKey} leads to a transaction pooler, which loses notifications and locks: set it to the address of the database itself."
                : $"{DirectKey} leads to a transaction pooler, which loses notifications and locks: set {DirectKeys[0]} to the address of the database itself beside it.");
        }

        return found;
    }

    public static DatabaseAddress OfEmbedded(string connectionString, IConfiguration configuration)
    {
        var complete = Complete(("the embedded PostgreSQL", connectionString), ConfiguredPool(configuration) ?? PoolOfEmbedded);
        return new(complete, complete, IsEmbedded: true, HasOwnDirect: false);
    }

    /// <summary>What every connection of ours needs, and a pool of that size unless the string says its own.</summary>
    private static string Complete((string Key, string Value) setting, int pool)
    {
        var address = Parse(setting.Key, setting.Value);
        address.NoResetOnClose = true;
        address.IncludeFailedBatchedCommand = true;
        if (!address.ShouldSerialize("Application Name"))
            address.ApplicationName = "modular";
        if (!address.ShouldSerialize("Maximum Pool Size"))
            address.MaxPoolSize = Math.Max(pool, address.MinPoolSize);
        return address.ConnectionString;
    }

    private static NpgsqlConnectionStringBuilder Parse(string key, string value)
    {
        if (PostgresUri.IsOne(value) || !value.Contains('='))
            value = PostgresUri.ToConnectionString(key, value);
        try
        {
            var address = new NpgsqlConnectionStringBuilder(value);
            return string.IsNullOrEmpty(address.Host)
                ? throw new DatabaseSetupException($"{key} names no host.")
                : address;
        }
        catch (ArgumentException)
        {
            // Not its message, which may quote what stands after a stray semicolon: the end of a password.
            throw new DatabaseSetupException(
                $"{key} is neither a postgres:// address nor of the form Host=…;Username=…;Password=…;Database=….");
        }
    }

    // Those whose addresses tell.
    private static bool IsServerless(NpgsqlConnectionStringBuilder address) =>
        address.Host!.EndsWith(".neon.tech", StringComparison.OrdinalIgnoreCase);

    private static (string Key, string Value)? First(IConfiguration configuration, string[] keys) => keys
        .Select(key => (key, configuration[key]?.Trim() ?? ""))
        .Where(setting => setting.Item2.Length > 0)
        .Select(setting => ((string, string)?)setting)
        .FirstOrDefault();

    private static int? ConfiguredPool(IConfiguration configuration)
    {
        if (configuration[PoolSizeKey] is not { Length: > 0 } value)
            return null;
        return int.TryParse(value, out var size) && size > 0
            ? size
            : throw new DatabaseSetupException($"{PoolSizeKey} must be a number of connections, at least 1.");
    }
}
