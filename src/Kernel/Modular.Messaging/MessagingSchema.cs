using Modular.Store;

namespace Modular.Messaging;

/// <summary>The tables of messaging, in a schema of their own beside the modules'.</summary>
internal static class MessagingSchema
{
    public const string Name = "messaging";

    // A claim changes no indexed column and finds room on its page: it writes one row version and no index entry.
    // The transaction id comes before everything else, as in the feed (DESIGN §4): the order within a group is
    // (epoch, xact, ordinal).
    private const string Envelopes = """
        create table {schema}.incoming_envelopes (
            epoch integer not null,
            xact xid8 not null default pg_current_xact_id(),
            ordinal integer not null,
            id uuid not null,
            queue text collate "C" not null,
            group_id text collate "C",
            message_type text collate "C" not null,
            body jsonb not null,
            actor text,
            session_id text,
            organization_id text,
            correlation_id text,
            causation_id text,
            sent_at timestamptz not null,
            execution_time timestamptz not null,
            deliver_by timestamptz,
            attempts integer not null,
            owner uuid,
            owner_until timestamptz,
            last_error text,
            constraint incoming_envelopes_pkey primary key (id, queue))
            with (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.05, autovacuum_vacuum_threshold = 2000,
                autovacuum_vacuum_cost_delay = 0);
        create index incoming_envelopes_due on {schema}.incoming_envelopes (queue, execution_time)
            where group_id is null;
        create index incoming_envelopes_group on {schema}.incoming_envelopes (queue, group_id, epoch, xact, ordinal)
            where group_id is not null;
        create table {schema}.dead_letters (
            id uuid not null,
            queue text collate "C" not null,
            group_id text collate "C",
            message_type text collate "C" not null,
            body jsonb not null,
            actor text,
            session_id text,
            organization_id text,
            correlation_id text,
            causation_id text,
            sent_at timestamptz not null,
            died_at timestamptz not null,
            attempts integer not null,
            exception_type text not null,
            exception_message text not null,
            replayable boolean not null default false,
            constraint dead_letters_pkey primary key (id, queue));
        create index dead_letters_died on {schema}.dead_letters (died_at, id, queue);
        create index dead_letters_replayable on {schema}.dead_letters (id) where replayable;
        """;

    public static void Configure(StoreOptions store) => store.Storage.Script("001-envelopes", Envelopes);
}
