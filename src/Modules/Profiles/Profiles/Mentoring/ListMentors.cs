using System.Text.Json;
using FluentValidation;
using MediatR;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.Options;
using Modular.Kernel;
using Modular.Store;

namespace Modular.Profiles;

/// <summary>
/// Whoever is signed in looks for mentors by expertise (<c>c#:advanced</c>), language and free time: <c>GET /api/mentors</c>.
/// </summary>
internal static class ListMentors
{
    internal sealed record Query(IReadOnlyList<string> Expertise, string? Language, Span? Free, PageCursor? After, int Limit) : IRequest<Outcome<Page>>;

    /// <param name="Next">The cursor of the next page, which may be there even where this one is short: a search for free time looks at so many mentors and no more.</param>
    internal sealed record Page(IReadOnlyList<MentorCard> Mentors, string? Next);

    /// <summary>A search for free time computes; so many are looked at for one page.</summary>
    private const int MostLookedAt = 200;

    internal sealed class Endpoint : ICarterModule
    {
        public void AddRoutes(IEndpointRouteBuilder app) => app
            .MapGet("/api/mentors", async (
                string[]? expertise, string? language, string? freeFrom, string? freeTo, string? after, string? limit, HttpContext context, IMediator mediator, CancellationToken ct) =>
            {
                if (!PageCursor.TryParse(after, out var cursor))
                    return PageCursor.Invalid.ToHttp();
                if (!PageCursor.TryLimit(limit, out var rows))
                    return PageCursor.InvalidLimit.ToHttp();
                var asksForTime = freeFrom is not null || freeTo is not null;
                if (asksForTime && TimeRange.Wrong(freeFrom, freeTo) is { } wrong)
                    return Named(wrong).ToHttp();
                Span? free = asksForTime ? new Span(TimeRange.Instant(freeFrom)!.Value, TimeRange.Instant(freeTo)!.Value) : null;
                context.Response.Headers.CacheControl = "no-store";
                var outcome = await mediator.Send(new Query(expertise ?? [], language, free, cursor, rows), ct);
                return outcome.ToHttp(WireJson.Ok);
            })
            .RequireSession()
            .WithName(nameof(ListMentors))
            .WithTags("mentoring")
            .Produces<Page>()
            .ProducesProblem(StatusCodes.Status400BadRequest);

        private static Refusal Named(Refusal wrong) => Refusal.Invalid(
            [.. ((IReadOnlyList<FieldError>)wrong.Details!).Select(error => error with { Field = error.Field == "from" ? "freeFrom" : "freeTo" })]);
    }

    internal sealed class Validator : AbstractValidator<Query>
    {
        private const int MostTags = 10;

        public Validator()
        {
            RuleFor(query => query.Expertise).Must(expertise => expertise.Count <= MostTags).WithMessage($"At most {MostTags}.");
            RuleForEach(query => query.Expertise).Must(wish => KeyOf(wish) is not null).WithMessage("A tag, or a tag and the least level, as in 'c#:advanced'.");
            RuleFor(query => query.Language)
                .Must(language => language is null || ProfileText.IsLanguageTag(language)).WithMessage("A language tag such as 'en' or 'pt-BR' (BCP 47).");
        }
    }

    internal sealed class Handler(IQuerySession store, Mentors mentors, IOptions<OfficeSessionOptions> options, TimeProvider clock)
        : IRequestHandler<Query, Outcome<Page>>
    {
        public async Task<Outcome<Page>> Handle(Query query, CancellationToken ct)
        {
            var (tags, speaks) = (Json(query.Expertise.Select(wish => KeyOf(wish)!)), Json(query.Language is { } language ? [language.ToLowerInvariant()] : []));
            // Of those without the time, the role or the status there is nothing to see: more is looked at than shown.
            var looked = query.Free is null ? query.Limit + 1 : MostLookedAt;
            var candidates = await store.QueryAsync<Profile>(
                """
                where d.data -> 'mentor' is not null and d.id > ? and d.data -> 'mentor' -> 'tags' @> ?::text::jsonb
                and d.data -> 'mentor' -> 'speaks' @> ?::text::jsonb order by d.id limit ?
                """,
                ct, query.After?.Id ?? "", tags, speaks, looked);
            var active = await mentors.Active(candidates, ct);
            var range = query.Free is { } free ? Clipped(free, clock.GetUtcNow() + options.Value.BookingNotice) : (Span?)null;
            var busy = range is { } asked ? await mentors.Busy([.. active.Select(mentor => mentor.Profile.UserId)], asked, ct) : null;

            var cards = new List<MentorCard>();
            var last = candidates.Count < looked ? null : candidates[^1].UserId;
            foreach (var (profile, person) in active)
            {
                var slots = range is { } time ? Mentors.Free(profile, time, busy![profile.UserId]).Take(1).ToList() : [];
                if (query.Free is not null && slots.Count == 0)
                    continue;
                if (cards.Count == query.Limit)
                {
                    last = cards[^1].UserId;
                    break;
                }

                cards.Add(MentorCard.Of(profile, person, slots.Count == 0 ? null : slots[0]));
            }

            return new Page(cards, last is null ? null : new PageCursor(0, last).Text);
        }

        private static Span Clipped(Span range, DateTimeOffset earliest) => range.From < earliest ? range with { From = earliest } : range;

        private static string Json(IEnumerable<string> words) => JsonSerializer.Serialize(words);
    }

    /// <summary>What is asked for as <see cref="Mentor.Tags"/> has it; null: it is no tag.</summary>
    internal static string? KeyOf(string wish)
    {
        var colon = wish.LastIndexOf(':');
        if (colon < 0)
            return Expertise.Normal(wish);
        return Expertise.Normal(wish[..colon]) is { } tag && Expertise.LevelOf(wish[(colon + 1)..]) is { } level ? Expertise.Key(tag, level) : null;
    }
}
