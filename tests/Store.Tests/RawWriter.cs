using Npgsql;

namespace Modular.Store.Tests;

/// <summary>
/// Writes with the store's own statements in a transaction that a test holds open, commits, rolls back or kills.
/// </summary>
internal sealed class RawWriter : IAsyncDisposable
{
    private readonly Node _node;
    private readonly NpgsqlConnection _connection;
    private readonly NpgsqlTransaction _transaction;

    private RawWriter(Node node, NpgsqlConnection connection, NpgsqlTransaction transaction) =>
        (_node, _connection, _transaction) = (node, connection, transaction);

    public static async Task<RawWriter> Begin(Node node)
    {
        var connection = await node.Database.Direct.OpenConnectionAsync();
        return new RawWriter(node, connection, await connection.BeginTransactionAsync());
    }

    /// <summary>The transaction gets its place in the feed now, before it has written anything.</summary>
    public async Task<ulong> TakeId()
    {
        await using var command = new NpgsqlCommand("select pg_current_xact_id()", _connection);
        return (ulong)(await command.ExecuteScalarAsync())!;
    }

    public async Task<Exception?> Append(string stream, params object[] events)
    {
        var registry = _node.Get<StoreRegistry>();
        var action = new StreamAction(registry.Event(events[0].GetType()).Schema, stream);
        var now = DateTimeOffset.UtcNow;
        foreach (var data in events)
            action.Add(registry.Event(data.GetType()).Wrap(data, Guid.CreateVersion7(), stream, 0, now, FeedPosition.Start));
        var written = action.Stored.Select(e =>
        {
            var mapping = registry.Event(e.EventType);
            var data = EventWriter.Data(e, mapping, new Dictionary<string, SubjectKey>());
            return (data, EventWriter.Canonical(e, mapping, data, new Dictionary<string, SubjectKey>()));
        }).ToList();
        await using var npgsql = new NpgsqlBatch(_connection, _transaction);
        var batch = new StoreBatch(npgsql);
        batch.Write(new AppendOperation(action, written, _node.Database.Epoch));
        try
        {
            await npgsql.ExecuteNonQueryAsync();
            return null;
        }
        catch (PostgresException failure)
        {
            return batch.Explain(failure) ?? failure;
        }
    }

    public Task Commit() => _transaction.CommitAsync();

    public Task Rollback() => _transaction.RollbackAsync();

    /// <summary>The process dies: its server process is told to end while the transaction is open.</summary>
    public async Task Die() => await _node.Execute("select pg_terminate_backend($1, 5000)", _connection.ProcessID);

    public async ValueTask DisposeAsync()
    {
        try
        {
            await _transaction.DisposeAsync();
        }
        catch (NpgsqlException)
        {
            // Its server process was killed.
        }

        await _connection.DisposeAsync();
    }
}
