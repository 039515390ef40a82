using Npgsql;

namespace Modular.Store;

/// <content>The commit of much that is new: the same transaction, its rows by COPY.</content>
internal sealed partial class DocumentSession
{
    /// <summary>From so many new streams on the round trips of COPY cost less than the statements they save.</summary>
    private const int BulkStreams = 100;

    private bool IsBulk => _events.Streams.Count >= BulkStreams && _events.Streams.Values.Count(stream => stream.Starts) >= BulkStreams;

    /// <summary>
    /// False: something of it is there already. Nothing was stored then, and the batch that is sent in its place finds out what.
    /// </summary>
    private async Task<bool> SentByCopy(NpgsqlConnection connection, IReadOnlyDictionary<string, SubjectKey> keys)
    {
        var rows = new BulkRows();
        await using var firstCommands = new NpgsqlBatch(connection);
        await using var restCommands = new NpgsqlBatch(connection);
        var (first, rest) = (new StoreBatch(firstCommands), new StoreBatch(restCommands));
        // Made before the transaction begins, which so lasts no longer than it has to.
        Write(first, rest, keys, rows);
        try
        {
            await using var transaction = await connection.BeginTransactionAsync(CancellationToken.None);
            await Execute(firstCommands, transaction);
            await rows.Copy(connection);
            await Execute(restCommands, transaction);
            await transaction.CommitAsync(CancellationToken.None);
        }
        catch (PostgresException taken) when (taken.SqlState is PostgresErrorCodes.UniqueViolation or PostgresErrorCodes.ExclusionViolation)
        {
            return false;
        }
        catch (Exception failure) when (_parts.Database.Pooled.Learn(failure))
        {
            throw new PreparedStatementGoneException(failure);
        }
        catch (Exception failure) when (Outage.IsBroken(failure))
        {
            throw new OutcomeUnknownException(failure);
        }
        catch (PostgresException failure) when ((first.Explain(failure) ?? rest.Explain(failure)) is { } known)
        {
            throw known;
        }

        Remember(keys);
        return true;
    }

    private static async Task Execute(NpgsqlBatch batch, NpgsqlTransaction transaction)
    {
        if (batch.BatchCommands.Count == 0)
            return;
        batch.Transaction = transaction;
        await batch.ExecuteNonQueryAsync(CancellationToken.None);
    }
}
