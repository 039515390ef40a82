using Modular.Store;
using Npgsql;
using NpgsqlTypes;

namespace Modular.Messaging;

/// <summary>What one call of <see cref="IMessageBus.PublishAsync"/> asks for.</summary>
/// <param name="Ordinal">Its place among the messages of the unit of work.</param>
internal sealed record Publication(
    Guid Id, int Ordinal, byte[] Body, string? GroupId, DateTimeOffset SentAt, DateTimeOffset ExecutionTime, DateTimeOffset? DeliverBy)
{
    public bool AtOnce => GroupId is null && ExecutionTime <= SentAt;
}

/// <summary>
/// Stores a message in the publisher's transaction: one row per queue. Where this node has a worker with room the row is
/// the worker's from the start, which saves the claim; whatever becomes of the node, the lease runs out.
/// </summary>
internal sealed class PublishOperation(
    MessageMapping message, Publication publication, EventMetadata metadata, LocalQueues local, StoreDatabase database)
    : IStorageOperation
{
    private const string Insert = $"""
        insert into {MessagingSchema.Name}.incoming_envelopes (epoch, ordinal, id, queue, group_id, message_type, body,
            actor, session_id, organization_id, correlation_id, causation_id, sent_at, execution_time, deliver_by,
            attempts, owner, owner_until)
        select $1, $2, $3, q.name, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16,
            q.taken::integer, case when q.taken then $17 end, case when q.taken then now() + $18 end
        from unnest($4, $5) as q(name, taken)
        """;

    private bool[] _taken = [];

    public void Write(StoreBatch batch)
    {
        _taken = [.. message.Queues.Select(queue => publication.AtOnce && local.MayTake(queue, publication.Ordinal))];
        batch.Sql(Insert)
            .With(database.Epoch)
            .With(publication.Ordinal)
            .With(publication.Id)
            .With(message.Queues, NpgsqlDbType.Array | NpgsqlDbType.Text)
            .With(_taken, NpgsqlDbType.Array | NpgsqlDbType.Boolean)
            .With(publication.GroupId)
            .With(message.StoredName)
            .WithJson(publication.Body)
            .With(metadata.Actor)
            .With(metadata.SessionId)
            .With(metadata.OrganizationId)
            .With(metadata.CorrelationId)
            .With(metadata.CausationId)
            .With(publication.SentAt)
            .With(publication.ExecutionTime)
            .With(publication.DeliverBy)
            .With(local.Node)
            .With(local.Lease, NpgsqlDbType.Interval);
    }

    /// <summary>After the commit: this node's workers begin with what they took. True when something is left to claim.</summary>
    public bool HandOver()
    {
        for (var at = 0; at < _taken.Length; at++)
        {
            if (_taken[at])
                local.Add(new Claim(EnvelopeFor(message.Queues[at])));
        }

        return _taken.Contains(false);
    }

    private Envelope EnvelopeFor(string queue) =>
        new(publication.Id, queue, publication.GroupId, message.StoredName, publication.Body)
        {
            Actor = metadata.Actor,
            SessionId = metadata.SessionId,
            OrganizationId = metadata.OrganizationId,
            CorrelationId = metadata.CorrelationId,
            Attempts = 1,
            ExecutionTime = publication.ExecutionTime,
            DeliverBy = publication.DeliverBy,
        };
}

/// <summary>
/// The inbox mark: takes the envelope out in the transaction of the handler's writes. It has to be this node's still, from
/// this attempt, or nothing of the transaction is stored.
/// </summary>
internal sealed class CompleteOperation(Envelope envelope, Guid node) : IStorageOperation
{
    private const string Delete = $"""
        with done as (delete from {MessagingSchema.Name}.incoming_envelopes
            where id = $1 and queue = $2 and owner = $3 and attempts = $4 returning 1)
        select store.expect((select count(*) from done), 1, 'the inbox mark')
        """;

    public void Write(StoreBatch batch) => batch.Sql(Delete)
        .With(envelope.Id)
        .With(envelope.Queue)
        .With(node)
        .With(envelope.Attempts);

    public Exception? Explain(PostgresException failure) =>
        failure.SqlState == StoreBatch.ExpectationFailed ? new ClaimLostException(envelope, failure) : null;
}

/// <summary>Somebody else has the message by now, or has finished it. Nothing of this attempt was stored.</summary>
internal sealed class ClaimLostException(Envelope envelope, Exception inner) : Exception(
    $"Message {envelope.Id} in {envelope.Queue} is no longer this node's; what this attempt did was not stored.", inner);
