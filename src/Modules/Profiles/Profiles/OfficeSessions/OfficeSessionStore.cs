using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Options;
using Modular.Store;

namespace Modular.Profiles;

/// <summary>What the module registers for office sessions.</summary>
internal static class OfficeSessionStore
{
    /// <summary>The constraint that lets nobody be at two office sessions at once.</summary>
    public const string NoOverlap = "office_bookings_no_overlap";

    // One row for each of the two, so that a mentor who is somebody's mentee is one person. The range over text makes an
    // equality that a GiST index knows, without an extension that a managed database may not have.
    private const string Bookings = """
        create type {schema}.holder as range (subtype = text, collation = "C");
        create table {schema}.office_bookings (
            session_id text collate "C" not null,
            holder text collate "C" not null,
            as_mentor boolean not null,
            starts_at timestamptz not null,
            ends_at timestamptz not null,
            primary key (session_id, holder),
            constraint office_bookings_no_overlap exclude using gist
                ({schema}.holder(holder, holder, '[]') with =, tstzrange(starts_at, ends_at) with &&));
        create index office_bookings_idx_holder on {schema}.office_bookings (holder, ends_at);
        """;

    public static void AddServices(IServiceCollection services)
    {
        services.AddOptions<OfficeSessionOptions>().Configure<IConfiguration>((options, from) => options.Read(from)).ValidateOnStart();
        services.TryAddEnumerable(ServiceDescriptor.Singleton<IValidateOptions<OfficeSessionOptions>, OfficeSessionOptionsValidation>());
        services.AddScoped<OfficeDesk>();
        services.AddScoped<OfficeBookings>();
    }

    public static void Configure(StoreOptions store)
    {
        store.Events.MapEventType<OfficeSessionRequested>("office_session.requested.1").About(e => e.MenteeId);
        store.Events.MapEventType<OfficeSessionConfirmed>("office_session.confirmed.1").About(e => e.UserId);
        store.Events.MapEventType<OfficeSessionDeclined>("office_session.declined.1").About(e => e.By);
        store.Events.MapEventType<OfficeSessionCancelled>("office_session.cancelled.1").About(e => e.By);
        store.Events.MapEventType<OfficeSessionCompleted>("office_session.completed.1").About(e => e.UserId);
        store.Events.MapEventType<OfficeSessionMissed>("office_session.missed.1").About(e => e.UserId);
        store.Events.MapEventType<OfficeSessionFeedbackGiven>("office_session.feedback_given.1").About(e => e.By);
        store.Events.MapEventType<OfficeSessionLeft>("office_session.left.1").About(e => e.UserId);
        store.Events.MapEventType<OfficeSessionRefused>("office_session.refused.1").About(e => e.UserId).Refused(e => e.Reason);
        store.Projections.Snapshot<OfficeSession>()
            .Duplicate(session => session.MentorId, "text")
            .Duplicate(session => session.MenteeId, "text")
            .Duplicate(session => session.StartsAt, "timestamptz")
            .Duplicate(session => session.EndsAt, "timestamptz")
            .Duplicate(session => session.Status, "text")
            .Duplicate(session => session.EndedBy, "text")
            .Index(session => session.MentorId)
            .Index(session => session.MenteeId)
            .Index(session => session.StartsAt)
            .Index(session => session.EndedBy, "ended_by is not null");
        store.Storage.Script("003-office-bookings", Bookings);
    }
}

/// <summary>
/// Stages who is taken when. The constraint decides at the commit, after the rows of both profiles are locked in one order: two
/// who ask at once wait for each other instead of falling over each other.
/// </summary>
internal sealed class OfficeBookings(IDocumentSession store, IOptions<OfficeSessionOptions> options)
{
    private static readonly TimeSpan Day = TimeSpan.FromDays(1);

    /// <summary>Whether a mentee has asked for as many as anybody may in a day.</summary>
    public async Task<bool> HasAskedEnough(string menteeId, DateTimeOffset now, CancellationToken ct) =>
        (await store.QueryAsync<OfficeSession>(
            "where d.mentee_id = ? and (d.data ->> 'requestedAt')::timestamptz > ? limit ?", ct, menteeId, now - Day, options.Value.MaxRequestsPerDay)).Count
        >= options.Value.MaxRequestsPerDay;

    /// <param name="session">The office session.</param>
    /// <param name="people">The profiles the decision rests on, both as they were read; whoever changes or goes meanwhile makes it anew.</param>
    /// <param name="now">What is over does not fill a mentor's capacity.</param>
    public void Take(OfficeSessionRequested session, IEnumerable<Profile> people, DateTimeOffset now)
    {
        foreach (var person in people.OrderBy(person => person.UserId, StringComparer.Ordinal))
            store.QueueSqlCommand(1, "update profiles.mt_doc_profile set id = id where id = ? and mt_version = ?", person.UserId, person.Version);
        store.QueueSqlCommand(
            1,
            """
            insert into profiles.office_bookings (session_id, holder, as_mentor, starts_at, ends_at)
            select ?, p.id, true, ?, ? from profiles.mt_doc_profile p
            where p.id = ? and (p.data -> 'mentor' ->> 'capacity')::int
                > (select count(*) from profiles.office_bookings b where b.holder = p.id and b.as_mentor and b.ends_at > ?)
            """,
            session.SessionId, session.StartsAt, session.EndsAt, session.MentorId, now);
        // This one is among those that are counted.
        store.QueueSqlCommand(
            1,
            """
            insert into profiles.office_bookings (session_id, holder, as_mentor, starts_at, ends_at)
            select ?, ?::text, false, ?, ? where ? >= (
                select count(*) from profiles.mt_doc_office_session s where s.mentee_id = ? and (s.data ->> 'requestedAt')::timestamptz > ?)
            """,
            session.SessionId, session.MenteeId, session.StartsAt, session.EndsAt, options.Value.MaxRequestsPerDay, session.MenteeId, now - Day);
    }

    public void Free(string sessionId) => store.QueueSqlCommand("delete from profiles.office_bookings where session_id = ?", sessionId);
}
