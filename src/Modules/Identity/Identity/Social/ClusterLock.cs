using Modular.Store;
using Npgsql;

namespace Modular.Identity;

/// <summary>
/// Locks that hold on every node: advisory locks of one database session, which is open only while somebody wants one.
/// One session for all, because a connection per lock would be a connection per user. When it breaks, its locks are gone:
/// what they guard must bear that.
/// </summary>
internal sealed class ClusterLock(StoreDatabase database) : IAsyncDisposable
{
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(25);

    private readonly SemaphoreSlim turn = new(1);
    private NpgsqlConnection? connection;
    private int wanted;

    /// <summary>
    /// Runs one at a time for a key on all nodes; nobody on this node may ask for the same key meanwhile, a session has
    /// its own locks twice.
    /// </summary>
    /// <exception cref="TimeoutException">Another node holds it for longer than <paramref name="patience"/>.</exception>
    public async Task<T> Run<T>(string key, TimeSpan patience, Func<Task<T>> work)
    {
        Interlocked.Increment(ref wanted);
        try
        {
            for (var waited = TimeSpan.Zero; !await Ask("select pg_try_advisory_lock(hashtextextended($1, 9))", key); waited += Pause)
            {
                if (waited >= patience)
                    throw new TimeoutException($"Another node is still busy with {key}.");
                await Task.Delay(Pause);
            }

            try
            {
                return await work();
            }
            finally
            {
                await Ask("select pg_advisory_unlock(hashtextextended($1, 9))", key);
            }
        }
        finally
        {
            Interlocked.Decrement(ref wanted);
            await CloseIfUnwanted();
        }
    }

    public async ValueTask DisposeAsync()
    {
        if (connection is not null)
            await connection.DisposeAsync();
        turn.Dispose();
    }

    // A connection does one thing at a time.
    private async Task<bool> Ask(string sql, string key)
    {
        await turn.WaitAsync();
        try
        {
            connection ??= await database.Direct.OpenConnectionAsync();
            await using var command = new NpgsqlCommand(sql, connection);
            command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = key });
            return await command.ExecuteScalarAsync() is true;
        }
        catch (NpgsqlException)
        {
            await Close();
            throw;
        }
        finally
        {
            turn.Release();
        }
    }

    private async Task CloseIfUnwanted()
    {
        await turn.WaitAsync();
        try
        {
            if (Volatile.Read(ref wanted) == 0)
                await Close();
        }
        finally
        {
            turn.Release();
        }
    }

    private async Task Close()
    {
        if (connection is not null)
            await connection.DisposeAsync();
        connection = null;
    }
}
