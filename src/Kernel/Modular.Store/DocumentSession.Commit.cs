using Npgsql;

namespace Modular.Store;

/// <content>The commit: one batch, one round trip, one implicit transaction.</content>
internal sealed partial class DocumentSession
{
    /// <summary>How often a batch is tried: a transaction that came too late for a stream, or a key made elsewhere.</summary>
    private const int Tries = 3;

    public async Task SaveChangesAsync(CancellationToken token = default)
    {
        if (!HasPendingChanges && _first.Count == 0)
            return;

        // Every read a decision rests on comes before the first write, so before the transaction has its id.
        await _events.Complete(token);
        for (var attempt = 1; ; attempt++)
        {
            try
            {
                await Commit(token);
                break;
            }
            catch (Exception failure) when (attempt < Tries && MayRetry(failure))
            {
                if (failure is SubjectKeyTakenException taken)
                    _parts.Keys.Forget(taken.Subject);
            }
        }

        var committed = _committed.ToList();
        var appended = _events.Streams.Count > 0;
        EjectAllPendingChanges();
        if (appended)
            _parts.Signal.Committed();
        committed.ForEach(action => action());
    }

    // An append without an expected version cannot be stale: it only met an older transaction, and a new one will do.
    // With one, the row says the same as before unless the reason was the age of the transaction.
    private static bool MayRetry(Exception failure) =>
        failure is SubjectKeyTakenException or EventStreamUnexpectedMaxEventIdException { MayBeAge: true };

    private async Task Commit(CancellationToken token)
    {
        var keys = await KeysFor(token);
        await using var connection = await _parts.Database.Pooled.OpenConnectionAsync(token);
        await using var npgsql = new NpgsqlBatch(connection);
        var batch = new StoreBatch(npgsql);
        _first.ForEach(batch.Write);
        foreach (var key in keys.Values.Where(key => key.IsNew))
            batch.Write(new SubjectKeyInsert(key));
        foreach (var stream in InLockOrder())
            Write(batch, stream, keys);
        _operations.ForEach(batch.Write);
        try
        {
            // Not cancelled half way: a commit whose outcome nobody waits for is worse than one that is late.
            await npgsql.ExecuteNonQueryAsync(CancellationToken.None);
        }
        catch (PostgresException failure) when (batch.Explain(failure) is { } known)
        {
            throw known;
        }

        foreach (var key in keys.Values.Where(key => key.IsNew))
            _parts.Keys.Remember(new SubjectKey(key.Subject, key.Secret));
    }

    // Two units of work that touch the same streams take their locks in the same order.
    private IEnumerable<StreamAction> InLockOrder() => _events.Streams.Values
        .OrderBy(stream => stream.Schema, StringComparer.Ordinal)
        .ThenBy(stream => stream.Key, StringComparer.Ordinal);

    private async Task<IReadOnlyDictionary<string, SubjectKey>> KeysFor(CancellationToken token)
    {
        var subjects = new HashSet<string>();
        foreach (var e in _events.Streams.Values.SelectMany(stream => stream.Stored))
        {
            e.Metadata = Metadata;
            subjects.UnionWith(EventWriter.SubjectsOf(e, _parts.Registry.Event(e.EventType)));
        }

        return subjects.Count == 0
            ? new Dictionary<string, SubjectKey>()
            : await _parts.Keys.For(subjects, create: true, token);
    }

    private void Write(StoreBatch batch, StreamAction stream, IReadOnlyDictionary<string, SubjectKey> keys)
    {
        var written = new (byte[] Data, byte[] Canonical)[stream.Stored.Count];
        for (var at = 0; at < written.Length; at++)
        {
            var mapping = _parts.Registry.Event(stream.Stored[at].EventType);
            var data = EventWriter.Data(stream.Stored[at], mapping, keys);
            written[at] = (data, EventWriter.Canonical(stream.Stored[at], mapping, data, keys));
        }

        batch.Write(new AppendOperation(stream, written, _parts.Database.Epoch));
        foreach (var projection in _events.ProjectionsOf(stream))
            projection.Stage(stream, batch.Write);
    }
}
