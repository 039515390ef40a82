using System.Runtime.CompilerServices;
using Modular.Identity.Contracts;
using Npgsql;

namespace Modular.Host.CommandLine;

/// <summary>
/// Tables of Better Auth or Auth.js. Each is read once, in the order of the users' ids, side by side: no index is needed, and
/// nothing is kept in memory.
/// </summary>
internal sealed class DatabaseUsers : IUserSource
{
    private readonly NpgsqlDataSource source;
    private readonly Table users;
    private readonly Table? accounts;
    private readonly Table? sessions;

    private DatabaseUsers(NpgsqlDataSource source, string identity, Table users, Table? accounts, Table? sessions) =>
        (this.source, Identity, this.users, this.accounts, this.sessions) = (source, identity, users, accounts, sessions);

    /// <param name="Name">Quoted.</param>
    /// <param name="Key">Of whom a row is: a column, quoted, as text.</param>
    private sealed record Table(string Name, string Key);

    public string Identity { get; }

    public static async Task<IUserSource> Open(string connectionString, string schema, string[] tables, CancellationToken ct)
    {
        var settings = new NpgsqlConnectionStringBuilder(connectionString) { ApplicationName = "modular import", MaxPoolSize = 4, CommandTimeout = 0, Multiplexing = false };
        var builder = new NpgsqlDataSourceBuilder(settings.ConnectionString);
        builder.UsePhysicalConnectionInitializer(connection => NeverTimeOut(connection).GetAwaiter().GetResult(), NeverTimeOut);
        var source = builder.Build();
        try
        {
            var identity = $"{settings.Host}:{settings.Port}/{settings.Database}/{schema}/{string.Join(',', tables)}";
            var names = tables.Length == 0 ? (SourceNames.Users, SourceNames.Accounts, SourceNames.Sessions) : ([tables[0]], [tables[1]], new[] { tables[2] });
            var users = await Find(source, schema, names.Item1, column => column == "id", ct)
                ?? throw new CommandFailedException($"The schema '{schema}' has no table {string.Join(" or ", names.Item1)} with an id; --schema and --tables say where it is.");
            return new DatabaseUsers(
                source, identity, users, await Find(source, schema, names.Item2, SourceNames.IsUserId, ct), await Find(source, schema, names.Item3, SourceNames.IsUserId, ct));
        }
        catch
        {
            await source.DisposeAsync();
            throw;
        }
    }

    public async Task<long> Count(string? after, CancellationToken ct)
    {
        await using var command = source.CreateCommand($"select count(*) from {users.Name} t where $1::text is null or {users.Key} > $1");
        command.Parameters.Add(new NpgsqlParameter { Value = (object?)after ?? DBNull.Value, NpgsqlDbType = NpgsqlTypes.NpgsqlDbType.Text });
        return (long)(await command.ExecuteScalarAsync(ct))!;
    }

    public async IAsyncEnumerable<SourceUser> Read(string? after, [EnumeratorCancellation] CancellationToken ct)
    {
        await using var everybody = await Rows.Open(source, users, after, ct);
        await using var ofAccounts = await Rows.Open(source, accounts, after, ct);
        await using var ofSessions = await Rows.Open(source, sessions, after, ct);
        while (everybody.Key is { } id)
        {
            yield return new SourceUser(id, everybody.Row, await ofAccounts.Of(id, ct), await ofSessions.Of(id, ct));
            await everybody.Next(ct);
        }
    }

    public ValueTask DisposeAsync() => source.DisposeAsync();

    private static async Task<Table?> Find(NpgsqlDataSource source, string schema, string[] names, Func<string, bool> isKey, CancellationToken ct)
    {
        await using var command = source.CreateCommand("""
            select c.relname, a.attname from pg_class c join pg_namespace n on n.oid = c.relnamespace join pg_attribute a on a.attrelid = c.oid
            where n.nspname = $1 and c.relname = any ($2) and c.relkind in ('r', 'p', 'v', 'm', 'f') and a.attnum > 0 and not a.attisdropped
            order by array_position($2, c.relname::text)
            """);
        command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = schema });
        command.Parameters.Add(new NpgsqlParameter<string[]> { TypedValue = names });
        await using var rows = await command.ExecuteReaderAsync(ct);
        while (await rows.ReadAsync(ct))
        {
            if (isKey(rows.GetString(1)))
                return new Table($"{Quoted(schema)}.{Quoted(rows.GetString(0))}", $"(t.{Quoted(rows.GetString(1))}::text collate \"C\")");
        }

        return null;
    }

    // A table is read for as long as the import takes.
    private static async Task NeverTimeOut(NpgsqlConnection connection)
    {
        await using var command = new NpgsqlCommand("set statement_timeout = 0", connection);
        await command.ExecuteNonQueryAsync();
    }

    private static string Quoted(string name) => $"\"{name.Replace("\"", "\"\"", StringComparison.Ordinal)}\"";

    /// <summary>One table, from its first row after an id to its last.</summary>
    private sealed class Rows(NpgsqlConnection? connection, NpgsqlCommand? command, NpgsqlDataReader? reader) : IAsyncDisposable
    {
        /// <summary>Of whom the present row is; null: there is none any more.</summary>
        public string? Key { get; private set; }

        public string Row { get; private set; } = "";

        public static async Task<Rows> Open(NpgsqlDataSource source, Table? table, string? after, CancellationToken ct)
        {
            if (table is null)
                return new(null, null, null);
            var connection = await source.OpenConnectionAsync(ct);
            var command = new NpgsqlCommand(
                $"select {table.Key}, to_jsonb(t)::text from {table.Name} t where {table.Key} is not null and ($1::text is null or {table.Key} > $1) order by 1", connection);
            command.Parameters.Add(new NpgsqlParameter { Value = (object?)after ?? DBNull.Value, NpgsqlDbType = NpgsqlTypes.NpgsqlDbType.Text });
            var rows = new Rows(connection, command, await command.ExecuteReaderAsync(ct));
            await rows.Next(ct);
            return rows;
        }

        public async Task Next(CancellationToken ct) =>
            (Key, Row) = reader is not null && await reader.ReadAsync(ct) ? (reader.GetString(0), reader.GetString(1)) : (null, "");

        /// <summary>The rows of one user; those of nobody, before them, are passed over.</summary>
        public async Task<IReadOnlyList<string>> Of(string id, CancellationToken ct)
        {
            var found = new List<string>();
            for (; Key is { } key && string.CompareOrdinal(key, id) <= 0; await Next(ct))
            {
                if (key == id)
                    found.Add(Row);
            }

            return found;
        }

        public async ValueTask DisposeAsync()
        {
            // The rest of the rows is not waited for.
            command?.Cancel();
            if (reader is not null)
                await reader.DisposeAsync();
            if (command is not null)
                await command.DisposeAsync();
            if (connection is not null)
                await connection.DisposeAsync();
        }
    }
}
