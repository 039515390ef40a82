using System.Collections.Concurrent;
using System.Security.Cryptography;
using System.Text;
using Npgsql;
using NpgsqlTypes;

namespace Modular.Store;

/// <summary>
/// Every person's own key. Personal data in events is encrypted with it; shredding it erases the person from all
/// events at once and leaves the rows, and every hash over them, in place (DESIGN §4, §7).
/// </summary>
public sealed class SubjectKeys
{
    private const int KeyBytes = 32;
    private const int MostCached = 50_000;

    private static readonly TimeSpan Fresh = TimeSpan.FromMinutes(1);

    private readonly StoreDatabase _database;
    private readonly TimeProvider _clock;
    private readonly KeyRing _ring;
    private readonly ConcurrentDictionary<string, (SubjectKey Key, DateTimeOffset Read)> _cache = new();

    // Rises with every key that is forgotten: what was read before may be what had to be forgotten.
    private int _generation;

    internal SubjectKeys(StoreDatabase database, KeyRing ring, TimeProvider clock)
    {
        _database = database;
        _ring = ring;
        _clock = clock;
    }

    // What wraps them; itself wrapped by the deployment's secret.
    private byte[] Master => _ring.Of("subject-keys");

    /// <summary>
    /// The keys of these subjects; one query for those not remembered. A subject that has none yet gets a new one,
    /// marked <see cref="SubjectKey.IsNew"/>, to be stored with the unit of work.
    /// </summary>
    internal async Task<IReadOnlyDictionary<string, SubjectKey>> For(
        IReadOnlyCollection<string> subjects, bool create, CancellationToken ct)
    {
        var keys = new Dictionary<string, SubjectKey>(subjects.Count);
        var now = _clock.GetUtcNow();
        List<string>? missing = null;
        foreach (var subject in subjects)
        {
            if (_cache.TryGetValue(subject, out var cached) && now - cached.Read < Fresh)
                keys[subject] = cached.Key;
            else if (!keys.ContainsKey(subject))
                (missing ??= []).Add(subject);
        }

        if (missing is not null)
            await Read(missing, keys, now, ct);
        if (create && keys.Count < subjects.Count)
        {
            foreach (var subject in subjects.Where(subject => !keys.ContainsKey(subject)))
                keys[subject] = Make(subject);
        }

        return keys;
    }

    /// <summary>
    /// Erases a person from every event: their key is gone for good once the unit of work commits, and none is ever made
    /// for them again. This node knows at once, others are told in the same transaction; one that cannot be reached
    /// remembers the key for a minute at most.
    /// </summary>
    public static void Shred(IDocumentOperations session, string subject) =>
        session.QueueOperation(new ShredSubjectKey(subject));

    /// <summary>What is known of a subject's key, by the database; null: there has never been one.</summary>
    public async Task<SubjectKeyState?> Find(string subject, CancellationToken ct)
    {
        await using var command = _database.Pooled.CreateCommand("select shredded from store.subject_keys where subject = $1");
        command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = subject });
        await using var row = await command.ExecuteReaderAsync(ct);
        if (!await row.ReadAsync(ct))
            return null;
        return new SubjectKeyState(await row.IsDBNullAsync(0, ct) ? null : row.GetFieldValue<DateTimeOffset>(0));
    }

    internal void Remember(SubjectKey key)
    {
        if (_cache.Count >= MostCached)
            _cache.Clear();
        _cache[key.Subject] = (key, _clock.GetUtcNow());
    }

    /// <summary>Forgets a key, so that the next use asks the database.</summary>
    public void Forget(string subject)
    {
        Interlocked.Increment(ref _generation);
        _cache.TryRemove(subject, out _);
    }

    /// <summary>Forgets all of them: what was shredded while nobody told is among them.</summary>
    internal void ForgetAll()
    {
        Interlocked.Increment(ref _generation);
        _cache.Clear();
    }

    private async Task Read(
        List<string> missing, Dictionary<string, SubjectKey> keys, DateTimeOffset now, CancellationToken ct)
    {
        await using var command = _database.Pooled.CreateCommand(
            "select subject, wrapped from store.subject_keys where subject = any($1)");
        command.Parameters.Add(new NpgsqlParameter<string[]> { TypedValue = [.. missing] });
        var generation = Volatile.Read(ref _generation);
        await using var rows = await command.ExecuteReaderAsync(ct);
        while (await rows.ReadAsync(ct))
        {
            var subject = rows.GetString(0);
            var key = new SubjectKey(subject, await rows.IsDBNullAsync(1, ct) ? null : Unwrap(subject, rows.GetFieldValue<byte[]>(1)));
            keys[subject] = key;
            if (generation == Volatile.Read(ref _generation))
                Remember(key);
        }
    }

    private SubjectKey Make(string subject)
    {
        var key = RandomNumberGenerator.GetBytes(KeyBytes);
        return new SubjectKey(subject, key) { Wrapped = SealedBytes.Seal(Master, key, Encoding.UTF8.GetBytes(subject)) };
    }

    private byte[] Unwrap(string subject, byte[] wrapped) => SealedBytes.Open(Master, wrapped, Encoding.UTF8.GetBytes(subject))
        ?? throw new CryptographicException(
            $"The key of subject '{subject}' does not open with the key of this database: the row comes from another one, or is damaged.");
}

/// <summary>That a subject has a key, or had one.</summary>
/// <param name="ShreddedAt">Null: it is there.</param>
public sealed record SubjectKeyState(DateTimeOffset? ShreddedAt)
{
    /// <summary>Nothing of theirs can be read any more.</summary>
    public bool IsShredded => ShreddedAt is not null;
}

/// <summary>One person's key; <see cref="Secret"/> is null once it is shredded.</summary>
internal sealed record SubjectKey(string Subject, byte[]? Secret)
{
    /// <summary>The wrapped form of a key that is not stored yet.</summary>
    public byte[]? Wrapped { get; init; }

    public bool IsNew => Wrapped is not null;
}

/// <summary>Stores a new key with the first event it encrypts. A second node's new key for the same person loses.</summary>
internal sealed class SubjectKeyInsert(SubjectKey key) : IBulkOperation
{
    private static readonly string[] Types = ["text", "bytea"];

    public void AddTo(BulkRows rows) => rows.Add("store.subject_keys (subject, wrapped)", Types, key.Subject, key.Wrapped);

    public void Write(StoreBatch batch) => batch
        .Sql("insert into store.subject_keys (subject, wrapped) values ($1, $2)")
        .With(key.Subject)
        .With(key.Wrapped!, NpgsqlDbType.Bytea);

    public Exception? Explain(PostgresException failure) =>
        failure.SqlState == PostgresErrorCodes.UniqueViolation ? new SubjectKeyTakenException(key.Subject, failure) : null;
}

/// <summary>Leaves a mark in place of a key, so that none is made for this person again, and tells every node.</summary>
internal sealed class ShredSubjectKey(string subject) : IStorageOperation
{
    public const string Channel = "modular_forgotten";

    public string Subject => subject;

    // Told in the transaction itself: rare enough to cost no group commit (DESIGN §4, "Wake-ups are hints").
    public void Write(StoreBatch batch)
    {
        batch
            .Sql("insert into store.subject_keys (subject, wrapped, shredded) values ($1, null, now()) "
                + "on conflict (subject) do update set wrapped = null, shredded = coalesce(store.subject_keys.shredded, now())")
            .With(subject);
        batch.Sql($"select pg_notify('{Channel}', $1)").With(subject);
    }
}

/// <summary>Another unit of work made this subject's key first; the batch is made again with that key.</summary>
internal sealed class SubjectKeyTakenException(string subject, Exception inner)
    : ConcurrencyException($"The key of '{subject}' was made by another unit of work.", inner)
{
    public string Subject => subject;
}
