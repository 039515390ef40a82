using Npgsql;

namespace Modular.Store;

/// <content>The commit: one batch, one round trip, one implicit transaction.</content>
internal sealed partial class DocumentSession
{
    /// <summary>How often a batch is tried where nothing it rests on has to be decided anew.</summary>
    private const int Tries = 6;

    public async Task SaveChangesAsync(CancellationToken token = default)
    {
        if (!HasPendingChanges && _first.Count == 0)
            return;

        for (var attempt = 1; ; attempt++)
        {
            try
            {
                await (attempt == 1 ? CommitAtOnce(token) : CommitAlone(token));
                break;
            }
            catch (ConcurrencyException failure) when (attempt < Tries && MayRetry(failure))
            {
                if (failure is SubjectKeyTakenException taken)
                    _parts.Keys.Forget(taken.Subject);
            }
            finally
            {
                // Also when nobody knows whether it was committed.
                foreach (var shred in _operations.OfType<ShredSubjectKey>())
                    _parts.Keys.Forget(shred.Subject);
                foreach (var witness in _parts.Witnesses)
                    witness.Sent(_events.Streams.Values.SelectMany(stream => stream.Stored));
            }
        }

        foreach (var witness in _parts.Witnesses)
            witness.Committed(_events.Streams.Values.SelectMany(stream => stream.Stored));
        var committed = _committed.ToList();
        var appended = _events.Streams.Count > 0;
        EjectAllPendingChanges();
        if (appended)
            _parts.Signal.Committed();
        committed.ForEach(action => action());
    }

    // Sent again, the batch is what it would have been a moment later: all its conditions are asked anew.
    private static bool MayRetry(ConcurrencyException failure) => failure
        is SubjectKeyTakenException
        or TransactionTooOldException
        or TransactionGaveWayException
        or PreparedStatementGoneException
        or EventStreamUnexpectedMaxEventIdException { ExpectedByCommit: true }
        or ExistingStreamIdCollisionException { ExpectedByCommit: true };

    private async Task CommitAtOnce(CancellationToken token)
    {
        // Every read a decision rests on comes before the first write, so before the transaction has its id.
        await _events.Complete(connection: null, token);
        var keys = await KeysFor(token);
        await using var connection = await _parts.Database.Pooled.OpenConnectionAsync(token);
        if (!IsBulk || !await SentByCopy(connection, keys))
            await Send(connection, transaction: null, keys);
    }

    // Once a race is lost: whoever appends to the same streams without an expectation of their own now does so one
    // after the other, or a busy stream would let somebody lose for ever. The lock is neither a write nor a row's, so
    // the transaction still has no id when it has waited, and what is read under it is up to date.
    private async Task CommitAlone(CancellationToken token)
    {
        var keys = await KeysFor(token);
        await using var connection = await _parts.Database.Pooled.OpenConnectionAsync(token);
        await using var transaction = await connection.BeginTransactionAsync(token);
        await using (var alone = new NpgsqlCommand(StreamLock.Sql, connection, transaction))
        {
            alone.Parameters.Add(new NpgsqlParameter<string[]> { TypedValue = StreamLock.Names(_events.Streams.Values) });
            await alone.ExecuteNonQueryAsync(token);
        }

        _events.Reopen();
        await _events.Complete(connection, token);
        await Send(connection, transaction, keys);
    }

    private async Task Send(
        NpgsqlConnection connection, NpgsqlTransaction? transaction, IReadOnlyDictionary<string, SubjectKey> keys)
    {
        await using var npgsql = new NpgsqlBatch(connection, transaction);
        var batch = new StoreBatch(npgsql);
        Write(batch, batch, keys, rows: null);
        if (npgsql.BatchCommands.Count == 0)
            return;
        try
        {
            // Not cancelled half way: a commit whose outcome nobody waits for is worse than one that is late.
            await npgsql.ExecuteNonQueryAsync(CancellationToken.None);
            if (transaction is not null)
                await transaction.CommitAsync(CancellationToken.None);
        }
        catch (Exception failure) when (_parts.Database.Pooled.Learn(failure))
        {
            throw new PreparedStatementGoneException(failure);
        }
        catch (Exception failure) when (Outage.IsBroken(failure))
        {
            throw new OutcomeUnknownException(failure);
        }
        catch (PostgresException failure) when (batch.Explain(failure) is { } known)
        {
            throw known;
        }

        Remember(keys);
    }

    private void Remember(IReadOnlyDictionary<string, SubjectKey> keys)
    {
        foreach (var key in keys.Values.Where(key => key.IsNew))
            _parts.Keys.Remember(new SubjectKey(key.Subject, key.Secret));
    }

    /// <param name="first">Gets what comes before everything else.</param>
    /// <param name="batch">Gets the rest.</param>
    /// <param name="keys">Of the subjects of the events.</param>
    /// <param name="rows">Gets what is new, to be copied between the two; null: all of it is statements.</param>
    private void Write(StoreBatch first, StoreBatch batch, IReadOnlyDictionary<string, SubjectKey> keys, BulkRows? rows)
    {
        void Add(IStorageOperation operation, bool isNew)
        {
            if (rows is not null && isNew && operation is IBulkOperation row and not DocumentOperation { Document: null })
                row.AddTo(rows);
            else
                batch.Write(operation);
        }

        if (_events.Streams.Values.Where(stream => stream.ReadByCommit).ToList() is { Count: > 0 } read)
            first.Write(new StreamLock(read));
        _first.ForEach(first.Write);
        // Like the streams, in an order that all units of work share.
        foreach (var key in keys.Values.Where(key => key.IsNew).OrderBy(key => key.Subject, StringComparer.Ordinal))
            Add(new SubjectKeyInsert(key), isNew: true);
        foreach (var stream in StreamLock.InOrder(_events.Streams.Values))
            Write(stream, keys, operation => Add(operation, stream.Starts));
        foreach (var locks in RowLock.InOrder(_operations.OfType<DocumentOperation>()))
            batch.Write(locks);
        foreach (var operation in _operations)
            Add(operation, operation is DocumentOperation { IsOfOldRow: false });
    }

    private async Task<IReadOnlyDictionary<string, SubjectKey>> KeysFor(CancellationToken token)
    {
        var subjects = new HashSet<string>();
        var metadata = Metadata.Copy();
        foreach (var e in _events.Streams.Values.SelectMany(stream => stream.Stored))
        {
            e.Metadata = metadata;
            subjects.UnionWith(EventWriter.SubjectsOf(e, _parts.Registry.Event(e.EventType)));
        }

        return subjects.Count == 0
            ? new Dictionary<string, SubjectKey>()
            : await _parts.Keys.For(subjects, create: true, token);
    }

    private void Write(StreamAction stream, IReadOnlyDictionary<string, SubjectKey> keys, Action<IStorageOperation> add)
    {
        stream.Refold();
        var written = new (byte[] Data, byte[] Canonical)[stream.Stored.Count];
        for (var at = 0; at < written.Length; at++)
        {
            var mapping = _parts.Registry.Event(stream.Stored[at].EventType);
            var data = EventWriter.Data(stream.Stored[at], mapping, keys);
            written[at] = (data, EventWriter.Canonical(stream.Stored[at], mapping, data, keys));
        }

        add(new AppendOperation(stream, written, _parts.Database.Epoch));
        foreach (var projection in _events.ProjectionsOf(stream))
            projection.Stage(stream, add);
    }
}
