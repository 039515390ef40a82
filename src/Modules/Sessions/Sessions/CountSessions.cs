using MediatR;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Modular.Kernel;
using Modular.Sessions.Contracts;
using Modular.Store;
using Npgsql;

namespace Modular.Sessions;

/// <summary>An administrator, or the operator, sees how many sessions there are and have been: <c>GET /api/sessions/stats</c>.</summary>
internal static class CountSessions
{
    /// <summary>The events of some days are found by their time; rows are added in its order, so that their place on disk tells it.</summary>
    public const string EventsByTime = "create index mt_events_idx_timestamp on {schema}.mt_events using brin (timestamp) with (autosummarize = on);";

    private const int UsualDays = 14;
    private const int MostDays = 366;

    internal static readonly Refusal NoDays = Refusal.Invalid(new FieldError("days", $"A number from 1 to {MostDays}.", "query"));

    internal sealed class Endpoint : ICarterModule
    {
        public void AddRoutes(IEndpointRouteBuilder app) => app
            .MapGet("/api/sessions/stats", async (string? days, HttpContext context, IMediator mediator, CancellationToken ct) =>
            {
                if (Days(days) is not { } wanted)
                    return NoDays.ToHttp();
                context.Response.Headers.CacheControl = "no-store";
                return WireJson.Ok(await mediator.Send(new Contracts.CountSessions(wanted), ct));
            })
            .RequireRole("admin")
            .WithName(nameof(CountSessions))
            .WithTags("sessions")
            .Produces<SessionStatistics>()
            .ProducesProblem(StatusCodes.Status400BadRequest)
            .ProducesProblem(StatusCodes.Status403Forbidden);
    }

    internal sealed class Handler(StoreDatabase database, TimeProvider clock) : IRequestHandler<Contracts.CountSessions, SessionStatistics>
    {
        private const string Present = """
            select count(*) filter (where expires_at > $1), count(*) filter (where expires_at <= $1), count(distinct user_id) filter (where expires_at > $1)
            from sessions.mt_doc_session
            """;

        private const string Agents = "select coalesce(user_agent, ''), count(*) from sessions.mt_doc_session where expires_at > $1 group by 1";

        private const string Days = """
            select (timestamp at time zone 'UTC')::date, count(*) filter (where type = 'session.started.1'), count(*) filter (where type <> 'session.started.1')
            from sessions.mt_events
            where timestamp >= $1 and type in ('session.started.1', 'session.revoked.1', 'session.signed_out.1', 'session.expired.1')
            group by 1
            """;

        // That a session has run out of time is noticed some time later; it lasted until then and no longer.
        private const string Length = """
            select avg(extract(epoch from coalesce((ended.data ->> 'expiredAt')::timestamptz, ended.timestamp) - began.timestamp))::bigint
            from sessions.mt_events ended join sessions.mt_events began on began.stream_id = ended.stream_id and began.version = 1
            where ended.timestamp >= $1 and ended.type in ('session.revoked.1', 'session.signed_out.1', 'session.expired.1') and began.type = 'session.started.1'
            """;

        public async Task<SessionStatistics> Handle(Contracts.CountSessions query, CancellationToken ct)
        {
            var now = clock.GetUtcNow();
            var from = new DateTimeOffset(now.UtcDateTime.Date.AddDays(1 - query.Days), TimeSpan.Zero);
            var (active, expired, users) = (await Read(Present, now, row => (row.GetInt64(0), row.GetInt64(1), row.GetInt64(2)), ct))[0];
            var days = await Read(Days, from, row => new SessionsOfDay(row.GetFieldValue<DateOnly>(0), row.GetInt64(1), row.GetInt64(2)), ct);
            var agents = await Read(Agents, now, row => (row.GetString(0), row.GetInt64(1)), ct);
            var average = (await Read(Length, from, row => row.IsDBNull(0) ? (long?)null : row.GetInt64(0), ct))[0];
            return new(now, active, expired, users, EveryDay(days, from, query.Days), average, Devices(agents));
        }

        private async Task<List<T>> Read<T>(string sql, DateTimeOffset at, Func<NpgsqlDataReader, T> read, CancellationToken ct)
        {
            await using var command = database.Pooled.CreateCommand(sql);
            command.Parameters.Add(new NpgsqlParameter<DateTime> { TypedValue = at.UtcDateTime, NpgsqlDbType = NpgsqlTypes.NpgsqlDbType.TimestampTz });
            var found = new List<T>();
            await using var rows = await command.ExecuteReaderAsync(ct);
            while (await rows.ReadAsync(ct))
                found.Add(read(rows));
            return found;
        }
    }

    internal static int? Days(string? text) => text is null
        ? UsualDays
        : int.TryParse(text, System.Globalization.CultureInfo.InvariantCulture, out var days) && days is >= 1 and <= MostDays ? days : null;

    /// <summary>A day on which nothing happened is one, too.</summary>
    internal static IReadOnlyList<SessionsOfDay> EveryDay(IEnumerable<SessionsOfDay> counted, DateTimeOffset from, int days)
    {
        var known = counted.ToDictionary(day => day.Day);
        var first = DateOnly.FromDateTime(from.UtcDateTime);
        return [.. Enumerable.Range(0, days).Select(first.AddDays).Select(day => known.GetValueOrDefault(day) ?? new SessionsOfDay(day, 0, 0))];
    }

    /// <summary>What a client calls itself is whatever it likes; what we call it are few names.</summary>
    internal static IReadOnlyList<SessionsOfDevice> Devices(IEnumerable<(string UserAgent, long Sessions)> agents) =>
    [
        .. agents.GroupBy(agent => ClientDevice.NameOf(agent.UserAgent), agent => agent.Sessions)
            .Select(device => new SessionsOfDevice(device.Key, device.Sum()))
            .OrderByDescending(device => device.Sessions).ThenBy(device => device.Device, StringComparer.Ordinal),
    ];
}
