using MediatR;
using Modular.Audit.Contracts;
using Modular.Store;

namespace Modular.Audit;

/// <summary>
/// The operator replaces the key that checkpoints are signed with: <c>audit rotate-key</c>. The entry of it is in the
/// tree that the old key still signs, so that whoever trusts the old key can find the new one.
/// </summary>
internal static class RotateLogKey
{
    /// <summary>Permanent: stored with the event.</summary>
    internal const string Stream = "log-keys";
    internal const string EventName = "log.key_rotated.1";

    internal sealed class Handler(IDocumentSession store, LogKeys keys, LogKeySeal seal, TimeProvider clock)
        : IRequestHandler<Contracts.RotateLogKey, RotatedLogKey>
    {
        public async Task<RotatedLogKey> Handle(Contracts.RotateLogKey request, CancellationToken cancellationToken)
        {
            var identity = await keys.Identity(cancellationToken);
            var (old, number) = (identity.Keys[0], identity.Keys[0].Number + 1);
            var (publicKey, sealedKey) = seal.Make(number);
            var key = new NoteKey(identity.Origin, NoteKey.Ed25519Kind, publicKey).ToString();
            // Of two at once the second fails on the key of the table.
            store.QueueSqlCommand(1, "insert into audit.log_keys (number, public, made) values (?, ?, ?)", number, publicKey, clock.GetUtcNow());
            if (request.AtOnce)
                store.QueueSqlCommand("delete from audit.log_secrets where number <= ?", old.Number);
            store.QueueSqlCommand(1, "insert into audit.log_secrets (number, sealed) values (?, ?)", number, sealedKey);
            store.Events.Append(Stream, new LogKeyRotated(number, key, old.Verifier.ToString(), request.AtOnce));
            return new RotatedLogKey(key, old.Verifier.ToString());
        }
    }
}

/// <summary>Checkpoints are signed with another key from now on.</summary>
/// <param name="Key">The new one, as auditors configure it.</param>
/// <param name="Replaces">The one before.</param>
/// <param name="AtOnce">The old one signs nothing any more.</param>
internal sealed record LogKeyRotated(int Number, string Key, string Replaces, bool AtOnce);
