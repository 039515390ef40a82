using FluentValidation;
using MediatR;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Modular.Kernel;
using Modular.Store;

namespace Modular.Profiles;

/// <summary>
/// Somebody pages through their office sessions, as mentor and as mentee, by status and time: <c>GET /api/office-sessions</c>.
/// Those who look after people name a person, or see everybody's.
/// </summary>
internal static class ListOfficeSessions
{
    internal sealed record Query(string? Person, string? Status, string? From, string? To, PageCursor? After, int Limit) : IRequest<Outcome<Page>>;

    internal sealed record Page(IReadOnlyList<OfficeSessionAnswer> OfficeSessions, string? Next);

    internal sealed class Endpoint : ICarterModule
    {
        public void AddRoutes(IEndpointRouteBuilder app) => app
            .MapGet("/api/office-sessions", async (
                string? person, string? status, string? from, string? to, string? after, string? limit, HttpContext context, Caller caller, IMediator mediator, CancellationToken ct) =>
            {
                if (!PageCursor.TryParse(after, out var cursor))
                    return PageCursor.Invalid.ToHttp();
                if (!PageCursor.TryLimit(limit, out var rows))
                    return PageCursor.InvalidLimit.ToHttp();
                var named = person is null ? (caller.IsStaff() ? null : caller.UserId) : caller.Named(person);
                if (named != caller.UserId && !caller.IsStaff())
                    return Refusal.Forbidden().ToHttp();
                context.Response.Headers.CacheControl = "no-store";
                var outcome = await mediator.Send(new Query(named, status, from, to, cursor, rows), ct);
                return outcome.ToHttp(WireJson.Ok);
            })
            .RequireSession()
            .WithName(nameof(ListOfficeSessions))
            .WithTags("office-sessions")
            .Produces<Page>()
            .ProducesProblem(StatusCodes.Status400BadRequest)
            .ProducesProblem(StatusCodes.Status403Forbidden);
    }

    internal sealed class Validator : AbstractValidator<Query>
    {
        private const string NoTime = "A time such as 2026-01-31T12:00:00Z.";

        public Validator()
        {
            RuleFor(query => query.Person).MaximumLength(100).Must(ProfileText.IsStorable);
            RuleFor(query => query.Status)
                .Must(status => status is null || StatusOf(status) is not null)
                .WithMessage("One of requested, confirmed, declined, cancelled, completed, missed.");
            RuleFor(query => query.From).Must(at => at is null || TimeRange.Instant(at) is not null).WithMessage(NoTime);
            RuleFor(query => query.To).Must(at => at is null || TimeRange.Instant(at) is not null).WithMessage(NoTime);
        }
    }

    internal sealed class Handler(IQuerySession store, ProfileReading reading) : IRequestHandler<Query, Outcome<Page>>
    {
        public async Task<Outcome<Page>> Handle(Query query, CancellationToken ct)
        {
            var (where, values) = Decide(query);
            var found = await store.QueryAsync<OfficeSession>($"{where} order by d.starts_at, d.id limit ?", ct, [.. values, query.Limit + 1]);
            OfficeSession[] shown = [.. found.Take(query.Limit)];
            var names = await reading.Names(shown.SelectMany(session => new[] { session.MentorId, session.MenteeId }), ct);
            var next = found.Count > query.Limit ? new PageCursor(shown[^1].StartsAt.UtcTicks, shown[^1].Id).Text : null;
            return new Page([.. shown.Select(session => OfficeSessionAnswer.Of(session, names))], next);
        }
    }

    internal static (string Where, IReadOnlyList<object> Values) Decide(Query query)
    {
        var (terms, values) = (new List<string>(), new List<object>());
        void Add(string term, params object[] given)
        {
            terms.Add(term);
            values.AddRange(given);
        }

        if (query.Person is { } person)
            Add("(d.mentor_id = ? or d.mentee_id = ?)", person, person);
        if (StatusOf(query.Status) is { } status)
            Add("d.status = ?", status.ToString());
        if (TimeRange.Instant(query.From) is { } from)
            Add("d.ends_at > ?", from);
        if (TimeRange.Instant(query.To) is { } to)
            Add("d.starts_at < ?", to);
        if (query.After is { } after)
            Add("(d.starts_at, d.id) > (?, ?)", new DateTimeOffset(after.Place, TimeSpan.Zero), after.Id);
        return (terms.Count == 0 ? "" : $"where {string.Join(" and ", terms)}", values);
    }

    private static OfficeSessionStatus? StatusOf(string? text) => Enum.GetValues<OfficeSessionStatus>().Cast<OfficeSessionStatus?>()
        .FirstOrDefault(status => status.ToString()!.Equals(text, StringComparison.OrdinalIgnoreCase));
}
