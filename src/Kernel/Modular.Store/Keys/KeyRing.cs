using System.Collections.Frozen;
using System.Security.Cryptography;
using System.Text;
using Npgsql;

namespace Modular.Store;

/// <summary>
/// The keys that everything at rest is sealed and hashed with, one per purpose, made for this database and kept in it,
/// wrapped by the deployment's secret. So another secret takes wrapping a handful of rows anew, whatever they seal, and
/// nobody has to stop for it. The first secret wraps; any that is accepted unwraps.
/// </summary>
public sealed class KeyRing
{
    private const int KeyBytes = 32;

    private const string ReadAll = "select name, wrapped, created, wrapped_at from store.keys order by name";

    // Before databases had keys of their own these were derived from the secret itself: what such a database holds was
    // sealed with them, so they become its keys.
    private static readonly string[] OnceDerived =
        ["address-hash", "backup-codes", "email-codes", "jwt-key", "rate-limit", "secret-box", "subject-keys", "trust-device"];

    private readonly StoreDatabase _database;
    private readonly IReadOnlyList<string> _secrets;
    private readonly byte[][] _wrapping;
    private readonly Lock _gate = new();
    private volatile FrozenDictionary<string, byte[]> _keys = FrozenDictionary<string, byte[]>.Empty;

    /// <param name="database">Where the keys are.</param>
    /// <param name="secrets">The first wraps; all of them unwrap.</param>
    internal KeyRing(StoreDatabase database, IReadOnlyList<string> secrets)
    {
        _database = database;
        _secrets = secrets;
        _wrapping = [.. secrets.Select(secret => Derive(secret, "keys"))];
    }

    /// <summary>The 32 bytes for a purpose; made at the first use of its name, which is permanent.</summary>
    /// <exception cref="WrongSecretException">No secret of ours opens the keys of this database.</exception>
    public byte[] Of(string name) => _keys.TryGetValue(name, out var key) ? key : LoadNow(name);

    /// <summary>Which secret wraps each key.</summary>
    /// <exception cref="WrongSecretException">One that we do not have.</exception>
    public async Task<IReadOnlyList<KeyStatus>> Status(CancellationToken ct)
    {
        await using var connection = await _database.Direct.OpenConnectionAsync(ct);
        return
        [
            .. (await Read(connection, ct)).Select(row => new KeyStatus(row.Name, Unwrap(row).Secret, row.Created, row.WrappedAt)),
        ];
    }

    /// <summary>
    /// Stages the wrapping by the first secret of every key that another one wraps; their names. Somebody who does the same
    /// at that moment makes the commit fail with a <see cref="ConcurrencyException"/>, and nothing is half done.
    /// </summary>
    public async Task<IReadOnlyList<string>> Rewrap(IDocumentOperations session, CancellationToken ct)
    {
        await using var connection = await _database.Direct.OpenConnectionAsync(ct);
        var others = (await Read(connection, ct)).Where(row => Unwrap(row).Secret > 0).ToList();
        foreach (var row in others)
            session.QueueOperation(new KeyRewrap(row.Name, row.Wrapped, Wrap(row.Name, Unwrap(row).Key)));
        return [.. others.Select(row => row.Name)];
    }

    /// <summary>Reads the keys, and makes what is missing. To be called once the schema is there.</summary>
    /// <exception cref="WrongSecretException">No secret of ours opens the keys of this database.</exception>
    internal async Task Load(NpgsqlConnection connection, CancellationToken ct, params IEnumerable<string> names)
    {
        var rows = await Read(connection, ct);
        var missing = OnceDerived.Concat(names).Except(rows.Select(row => row.Name)).ToList();
        if (missing.Count > 0)
        {
            await Make(connection, missing, ct);
            rows = await Read(connection, ct);
        }

        _keys = rows.ToFrozenDictionary(row => row.Name, row => Unwrap(row).Key);
    }

    /// <summary>Fails when no secret of ours opens the keys that this connection sees.</summary>
    /// <exception cref="WrongSecretException">That is so.</exception>
    internal async Task Verify(NpgsqlConnection connection, CancellationToken ct) =>
        (await Read(connection, ct)).ForEach(row => Unwrap(row));

    // For commands, which migrate nothing and so have read nothing; a server has them since its start.
    private byte[] LoadNow(string name)
    {
        lock (_gate)
        {
            if (!_keys.ContainsKey(name))
            {
                Task.Run(async () =>
                {
                    await using var connection = await _database.Direct.OpenConnectionAsync();
                    await Load(connection, CancellationToken.None, [name]);
                }).GetAwaiter().GetResult();
            }

            return _keys[name];
        }
    }

    // Of two nodes that make the same key one is first, and both read that one afterwards.
    private async Task Make(NpgsqlConnection connection, List<string> names, CancellationToken ct)
    {
        // All or none of those that were once derived: the next start could not tell any more that they were.
        await using var transaction = await connection.BeginTransactionAsync(ct);
        var formerly = await FormerSecret(connection, ct);
        foreach (var name in names)
        {
            var key = formerly is not null && OnceDerived.Contains(name) ? Derive(formerly, name) : RandomNumberGenerator.GetBytes(KeyBytes);
            await using var insert = new NpgsqlCommand("insert into store.keys (name, wrapped) values ($1, $2) on conflict do nothing", connection);
            insert.Parameters.Add(new NpgsqlParameter<string> { TypedValue = name });
            insert.Parameters.Add(new NpgsqlParameter<byte[]> { TypedValue = Wrap(name, key) });
            await insert.ExecuteNonQueryAsync(ct);
        }

        await transaction.CommitAsync(ct);
    }

    // Of a database that has no key of its own yet and holds what was sealed without one.
    private async Task<string?> FormerSecret(NpgsqlConnection connection, CancellationToken ct)
    {
        await using var command = new NpgsqlCommand(
            "select subject, wrapped from store.subject_keys where wrapped is not null and not exists (select from store.keys) limit 1", connection);
        await using var row = await command.ExecuteReaderAsync(ct);
        if (!await row.ReadAsync(ct))
            return null;
        var (subject, wrapped) = (Encoding.UTF8.GetBytes(row.GetString(0)), row.GetFieldValue<byte[]>(1));
        return _secrets.FirstOrDefault(secret => SealedBytes.Open(Derive(secret, "subject-keys"), wrapped, subject) is not null)
            ?? throw new WrongSecretException();
    }

    private static async Task<List<Row>> Read(NpgsqlConnection connection, CancellationToken ct)
    {
        await using var command = new NpgsqlCommand(ReadAll, connection);
        await using var rows = await command.ExecuteReaderAsync(ct);
        var found = new List<Row>();
        while (await rows.ReadAsync(ct))
            found.Add(new Row(rows.GetString(0), rows.GetFieldValue<byte[]>(1), rows.GetFieldValue<DateTimeOffset>(2), rows.GetFieldValue<DateTimeOffset>(3)));
        return found;
    }

    private byte[] Wrap(string name, byte[] key) => SealedBytes.Seal(_wrapping[0], key, Encoding.UTF8.GetBytes(name));

    private (byte[] Key, int Secret) Unwrap(Row row)
    {
        for (var secret = 0; secret < _wrapping.Length; secret++)
        {
            if (SealedBytes.Open(_wrapping[secret], row.Wrapped, Encoding.UTF8.GetBytes(row.Name)) is { } key)
                return (key, secret);
        }

        throw new WrongSecretException();
    }

    private static byte[] Derive(string secret, string name) => HKDF.DeriveKey(
        HashAlgorithmName.SHA256, Encoding.UTF8.GetBytes(secret), KeyBytes, info: Encoding.UTF8.GetBytes($"modular/{name}/1"));

    private sealed record Row(string Name, byte[] Wrapped, DateTimeOffset Created, DateTimeOffset WrappedAt);
}

/// <summary>A key of the database and the secret that wraps it.</summary>
/// <param name="Name">What it is for.</param>
/// <param name="Secret">0: the first, else the place among those that are accepted beside it.</param>
public sealed record KeyStatus(string Name, int Secret, DateTimeOffset CreatedAt, DateTimeOffset WrappedAt);

/// <summary>The database's keys are wrapped by a secret that we do not have.</summary>
public sealed class WrongSecretException() : CryptographicException(
    "Auth:Secret is not the one that this database was written with: start with that secret, or name it in "
    + "Auth:AcceptedSecrets. Nothing that is sealed, nobody's personal data in events among it, can be read without it.");

/// <summary>Wraps a key anew, unless somebody else has meanwhile.</summary>
internal sealed class KeyRewrap(string name, byte[] before, byte[] after) : IStorageOperation
{
    public void Write(StoreBatch batch) => batch
        .Sql("""
            with rewrapped as (update store.keys set wrapped = $3, wrapped_at = now() where name = $1 and wrapped = $2 returning 1)
            select store.expect((select count(*) from rewrapped), 1, 'the wrapping of a key')
            """)
        .With(name)
        .With(before)
        .With(after);
}
