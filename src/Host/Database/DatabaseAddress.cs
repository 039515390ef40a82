using Npgsql;

namespace Modular.Host.Database;

/// <summary>
/// Where the database is, for Npgsql. <paramref name="Pooled"/> may lead through a transaction pooler, so no session
/// state is used on it; <paramref name="Direct"/> is for migrations, LISTEN and advisory locks. Without
/// <paramref name="HasOwnDirect"/> both are the same and must not be a pooler.
/// </summary>
internal sealed record DatabaseAddress(string Pooled, string Direct, bool IsEmbedded, bool HasOwnDirect)
{
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
        return new(Complete(some, pool), Complete(direct ?? some, pool), IsEmbedded: false, HasOwnDirect: isPair);
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
