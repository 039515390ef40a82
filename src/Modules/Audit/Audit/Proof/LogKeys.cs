using System.Security.Cryptography;
using System.Text;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Modular.Kernel;
using Modular.Store;
using Npgsql;
using NpgsqlTypes;

namespace Modular.Audit;

/// <summary>A key that checkpoints are, or were, signed with.</summary>
/// <param name="Number">From 1; the highest is the one in use.</param>
/// <param name="Sealed">The private half; null: it has been destroyed.</param>
internal sealed record LogKey(int Number, NoteKey Verifier, DateTimeOffset Made, byte[]? Sealed);

/// <summary>What the log is called, and its keys, the newest first.</summary>
internal sealed record LogIdentity(string Origin, IReadOnlyList<LogKey> Keys)
{
    public IReadOnlyList<NoteKey> Verifiers => [.. Keys.Select(key => key.Verifier)];
}

/// <summary>
/// The name and the keys of the log: in the database, so that every node signs as the same log; made by the first that
/// needs them. The name never changes, whatever the settings say later.
/// </summary>
internal sealed partial class LogKeys(
    StoreDatabase database, LogKeySeal seal, IOptions<AuditOptions> options, IOptions<AuthOptions> auth, TimeProvider clock, ILogger<LogKeys> log)
{
    public async Task<LogIdentity> Identity(CancellationToken ct)
    {
        if (await Known(ct) is { } known)
        {
            if (options.Value.LogOrigin is { } wanted && wanted != known.Origin)
                KeepsItsName(log, known.Origin, wanted);
            return known;
        }

        await MakeFirst(ct);
        return await Known(ct) ?? throw new InvalidOperationException("The audit log has no name and no key.");
    }

    /// <summary>Null: nothing has been signed yet.</summary>
    public async Task<LogIdentity?> Known(CancellationToken ct)
    {
        await using var command = database.Pooled.CreateCommand("""
            select l.origin, k.number, k.public, k.made, s.sealed
            from audit.log l, audit.log_keys k left join audit.log_secrets s using (number) order by k.number desc
            """);
        string? origin = null;
        var keys = new List<LogKey>();
        await using var row = await command.ExecuteReaderAsync(ct);
        while (await row.ReadAsync(ct))
        {
            origin = row.GetString(0);
            keys.Add(new LogKey(
                row.GetInt32(1), new NoteKey(origin, NoteKey.Ed25519Kind, row.GetFieldValue<byte[]>(2)),
                row.GetFieldValue<DateTimeOffset>(3), await row.IsDBNullAsync(4, ct) ? null : row.GetFieldValue<byte[]>(4)));
        }

        return origin is null ? null : new LogIdentity(origin, keys);
    }

    /// <summary>Signs as every key that signs now: the newest, and those before it while they overlap.</summary>
    /// <exception cref="CryptographicException">None does: what nobody signed is not kept.</exception>
    public IReadOnlyList<NoteSignature> Sign(LogIdentity identity, string text) =>
        Signing(identity) is { Count: > 0 } signing
            ? [.. signing.Select(key => seal.Sign(key, text))]
            : throw new CryptographicException("The audit log has no key that signs: its private half is gone. Run 'audit rotate-key'.");

    /// <summary>Those whose overlap is over and whose private half is still there.</summary>
    public IReadOnlyList<int> Outdated(LogIdentity identity) =>
        [.. identity.Keys.Where(key => key.Sealed is not null).Except(Signing(identity)).Select(key => key.Number)];

    private IReadOnlyList<LogKey> Signing(LogIdentity identity) =>
        [.. identity.Keys.Where((key, at) => key.Sealed is not null && (at == 0 || identity.Keys[at - 1].Made + options.Value.KeyOverlap > clock.GetUtcNow()))];

    // Of several nodes that start at once, one makes it.
    private async Task MakeFirst(CancellationToken ct)
    {
        var host = auth.Value.BaseUrl?.Authority ?? "localhost";
        var origin = options.Value.LogOrigin ?? $"{host}/audit/{Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(6))}";
        var (publicKey, sealedKey) = seal.Make(1);
        await using var command = database.Pooled.CreateCommand("""
            with named as (insert into audit.log (origin) values ($1) on conflict do nothing returning 1),
                made as (insert into audit.log_keys (number, public, made) select 1, $2, $3 from named returning number)
            insert into audit.log_secrets (number, sealed) select number, $4 from made
            """);
        command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = origin });
        command.Parameters.Add(new NpgsqlParameter<byte[]> { TypedValue = publicKey });
        command.Parameters.Add(new NpgsqlParameter<DateTime> { TypedValue = clock.GetUtcNow().UtcDateTime, NpgsqlDbType = NpgsqlDbType.TimestampTz });
        command.Parameters.Add(new NpgsqlParameter<byte[]> { TypedValue = sealedKey });
        await command.ExecuteNonQueryAsync(ct);
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "The audit log is {Origin} for good; Audit:LogOrigin says {Wanted}")]
    private static partial void KeepsItsName(ILogger log, string origin, string wanted);
}

/// <summary>Seals the private halves with a key of the database's own, which the deployment's secret wraps: a copy signs nothing.</summary>
internal sealed class LogKeySeal(KeyRing ring)
{
    private byte[] Key => ring.Of("audit-checkpoints");

    public (byte[] Public, byte[] Sealed) Make(int number)
    {
        var secret = RandomNumberGenerator.GetBytes(Ed25519.KeyBytes);
        var made = (Ed25519.PublicKey(secret), SealedBytes.Seal(Key, secret, Place(number)));
        CryptographicOperations.ZeroMemory(secret);
        return made;
    }

    public NoteSignature Sign(LogKey with, string text)
    {
        var secret = SealedBytes.Open(Key, with.Sealed!, Place(with.Number))
            ?? throw new CryptographicException($"Key {with.Number} of the audit log does not open: it is not what was sealed.");
        var signature = SignedNote.Sign(text, with.Verifier, secret);
        CryptographicOperations.ZeroMemory(secret);
        return signature;
    }

    private static byte[] Place(int number) => Encoding.UTF8.GetBytes(FormattableString.Invariant($"audit.log_secrets/{number}"));
}
