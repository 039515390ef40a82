using Modular.Store;
using Npgsql;

namespace Modular.Audit;

/// <summary>Keys by which signatures are checked.</summary>
/// <param name="Keys">All of them.</param>
/// <param name="Retired">Of those that were retired at once, the size up to which they are believed.</param>
internal sealed record TrustedKeys(IReadOnlyList<NoteKey> Keys, IReadOnlyDictionary<NoteKey, long> Retired)
{
    /// <summary>Those that may have signed a log of that size.</summary>
    public IReadOnlyList<NoteKey> At(long size) => [.. Keys.Where(key => !Retired.TryGetValue(key, out var end) || size <= end)];
}

/// <summary>Says which keys are trusted: those that somebody gave, else those that the log itself tells of.</summary>
internal sealed class KeyHistory(StoreDatabase database, OwnEvents own)
{
    /// <param name="identity">What the database says.</param>
    /// <param name="given">None: the first key of the database, which only the database vouches for, and its successors.</param>
    /// <param name="boundary">Where the log begins.</param>
    /// <param name="ct">Ends it.</param>
    public async Task<TrustedKeys> Read(LogIdentity? identity, IReadOnlyList<NoteKey> given, LogBoundary boundary, CancellationToken ct)
    {
        var rotations = await own.Read<LogKeyRotated>(RotateLogKey.Stream, RotateLogKey.EventName, ct);
        List<LogKey> stored = [.. (identity?.Keys ?? []).OrderBy(key => key.Number)];
        var keys = given.Count > 0 ? given : Introduced(stored, [.. rotations.Select(rotation => rotation.Data)]);
        var retired = new Dictionary<NoteKey, long>();
        foreach (var (feed, rotation) in rotations.Where(rotation => rotation.Data.AtOnce))
        {
            var end = await Position(feed, boundary, ct);
            foreach (var key in keys.Where(key => key.ToString() == rotation.Replaces || stored.Exists(one => one.Number < rotation.Number && one.Verifier == key)))
                retired[key] = Math.Min(end, retired.GetValueOrDefault(key, long.MaxValue));
        }

        return new TrustedKeys(keys, retired);
    }

    /// <summary>The first, and each that an entry names as the successor of the one before it: a row alone makes no key.</summary>
    internal static IReadOnlyList<NoteKey> Introduced(IReadOnlyList<LogKey> keys, IReadOnlyList<LogKeyRotated> rotations) =>
        [.. keys.TakeWhile((key, at) => at == 0 || rotations.Any(told =>
            told.Number == key.Number && told.Key == key.Verifier.ToString() && told.Replaces == keys[at - 1].Verifier.ToString()))
            .Select(key => key.Verifier)];

    // No index leads there; it is read rarely, beside a check that reads all there is. Not sealed yet: nothing is behind it.
    private async Task<long> Position(FeedPosition feed, LogBoundary boundary, CancellationToken ct)
    {
        if (feed <= boundary.Feed)
            return boundary.Position;
        await using var command = database.Direct.CreateCommand(
            "select position from audit.entries where epoch = $1 and xact = $2 and module = $3 and sequence = $4");
        command.CommandTimeout = 0;
        command.Parameters.Add(new NpgsqlParameter<int> { TypedValue = feed.Epoch });
        command.Parameters.Add(new NpgsqlParameter { Value = feed.Transaction, NpgsqlDbType = NpgsqlTypes.NpgsqlDbType.Xid8 });
        command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = feed.Module });
        command.Parameters.Add(new NpgsqlParameter<long> { TypedValue = feed.Sequence });
        return await command.ExecuteScalarAsync(ct) is long position ? position : long.MaxValue;
    }
}
