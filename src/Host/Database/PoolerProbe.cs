using Npgsql;

namespace Modular.Host.Database;

/// <summary>What stands between us and PostgreSQL.</summary>
internal enum Between
{
    /// <summary>Nothing: the process that we are told at the beginning is the one that answers.</summary>
    Nothing,

    /// <summary>Something that gives a connection of ours another server connection with each transaction.</summary>
    TransactionPooler,

    /// <summary>Something that was not seen to do so, which proves nothing.</summary>
    Something,
}

/// <summary>
/// Finds out what an address leads to, by what cannot look otherwise by luck. A pooler tells a process number of its own
/// making at the beginning, whatever its mode, so an equal one is proof that there is none; a pooler that keeps prepared
/// statements gives them other names on the server, so another name is proof that it keeps them.
/// </summary>
internal static class PoolerProbe
{
    /// <summary>How many transactions are held open at a time: a server connection that is free is then found in other hands.</summary>
    private const int Holders = 5;

    private const string ProcessId = "select pg_backend_pid()";

    public static async Task<Between> Look(string connectionString, CancellationToken ct)
    {
        await using var source = Source(connectionString);
        await using var first = await source.OpenConnectionAsync(ct);
        var process = await ProcessOf(first, ct);
        if (process == first.ProcessID)
            return Between.Nothing;

        var holders = new List<NpgsqlConnection>();
        try
        {
            while (holders.Count < Holders)
            {
                var holder = await source.OpenConnectionAsync(ct);
                holders.Add(holder);
                await using var begin = new NpgsqlCommand("begin", holder);
                await begin.ExecuteNonQueryAsync(ct);
                if (await ProcessOf(holder, ct) == process)
                    return Between.TransactionPooler;
            }

            return await ProcessOf(first, ct) == process ? Between.Something : Between.TransactionPooler;
        }
        catch (NpgsqlException)
        {
            // There are not as many connections.
            return Between.Something;
        }
        finally
        {
            // A transaction that is open is rolled back with its connection.
            foreach (var holder in holders)
                await holder.DisposeAsync();
        }
    }

    /// <summary>Whether the pooler in between keeps prepared statements by names of its own.</summary>
    public static async Task<bool> KeepsStatements(string connectionString, CancellationToken ct)
    {
        try
        {
            await using var source = Source(connectionString);
            await using var one = await source.OpenConnectionAsync(ct);
            await using var two = await source.OpenConnectionAsync(ct);
            return await IsRenamed(one, ct) && await IsRenamed(two, ct) && await IsRenamed(one, ct);
        }
        catch (NpgsqlException)
        {
            // Whatever it is, it does not do what it should.
            return false;
        }
    }

    // In one transaction, so that the question comes to the connection that the statement was prepared on; and removed in
    // it, so that nothing stays where others may meet it.
    private static async Task<bool> IsRenamed(NpgsqlConnection connection, CancellationToken ct)
    {
        await using var transaction = await connection.BeginTransactionAsync(ct);
        await using var statement = new NpgsqlCommand($"select 'modular {Guid.NewGuid():N}'", connection, transaction);
        await statement.PrepareAsync(ct);
        await statement.ExecuteScalarAsync(ct);
        await using var names = new NpgsqlCommand("select name from pg_prepared_statements where statement = $1", connection, transaction)
        {
            Parameters = { new NpgsqlParameter<string> { TypedValue = statement.CommandText } },
        };
        var name = await names.ExecuteScalarAsync(ct) as string;
        await statement.UnprepareAsync(ct);
        await transaction.CommitAsync(ct);
        // Npgsql's own names begin so.
        return name is not null && !name.StartsWith("_p", StringComparison.Ordinal);
    }

    private static async Task<int> ProcessOf(NpgsqlConnection connection, CancellationToken ct)
    {
        await using var command = new NpgsqlCommand(ProcessId, connection);
        return (int)(await command.ExecuteScalarAsync(ct))!;
    }

    private static NpgsqlDataSource Source(string connectionString) => NpgsqlDataSource.Create(
        new NpgsqlConnectionStringBuilder(connectionString) { Pooling = false, MaxAutoPrepare = 0, CommandTimeout = 5 });
}
