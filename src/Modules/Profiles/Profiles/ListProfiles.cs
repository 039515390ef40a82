using FluentValidation;
using MediatR;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Modular.Identity.Contracts;
using Modular.Kernel;

namespace Modular.Profiles;

/// <summary>
/// Who looks after people searches and pages through all of them, by role, status and organization: <c>GET /api/profiles</c>.
/// </summary>
internal static class ListProfiles
{
    internal sealed record Query(string? Search, string? Role, string? Status, string? Organization, PageCursor? After, int Limit)
        : IRequest<Outcome<Page>>;

    internal sealed record Page(IReadOnlyList<ProfileAnswer> Profiles, string? Next);

    internal sealed class Endpoint : ICarterModule
    {
        public void AddRoutes(IEndpointRouteBuilder app) => app
            .MapGet("/api/profiles", async (
                string? search, string? role, string? status, string? organization, string? after, string? limit, HttpContext context, IMediator mediator, CancellationToken ct) =>
            {
                if (!PageCursor.TryParse(after, out var cursor))
                    return PageCursor.Invalid.ToHttp();
                if (!PageCursor.TryLimit(limit, out var rows))
                    return PageCursor.InvalidLimit.ToHttp();
                context.Response.Headers.CacheControl = "no-store";
                var outcome = await mediator.Send(new Query(search, role, status, organization, cursor, rows), ct);
                return outcome.ToHttp(WireJson.Ok);
            })
            .RequireRole(ProfileSight.Staff)
            .WithName(nameof(ListProfiles))
            .WithTags("profiles")
            .Produces<Page>()
            .ProducesProblem(StatusCodes.Status400BadRequest)
            .ProducesProblem(StatusCodes.Status403Forbidden);
    }

    internal sealed class Validator : AbstractValidator<Query>
    {
        public Validator()
        {
            RuleFor(query => query.Search).MaximumLength(200).Must(ProfileText.IsStorable);
            RuleFor(query => query.Role).Must(role => role is null or "admin" or "pm" or "mentor" or "mentee" or "user")
                .WithMessage("One of admin, pm, mentor, mentee, user.");
            RuleFor(query => query.Status).Must(status => status is null or "active" or "inactive" or "suspended")
                .WithMessage("One of active, inactive, suspended.");
            RuleFor(query => query.Organization).MaximumLength(100).Must(ProfileText.IsStorable);
        }
    }

    internal sealed class Handler(IMediator mediator, ProfileReading reading) : IRequestHandler<Query, Outcome<Page>>
    {
        public async Task<Outcome<Page>> Handle(Query query, CancellationToken ct)
        {
            var after = query.After is { } cursor ? new DateTimeOffset(cursor.Place, TimeSpan.Zero) : (DateTimeOffset?)null;
            var people = await mediator.Send(
                new ListPeople(query.Search, query.Role, query.Status, query.Organization, after, query.After?.Id, query.Limit + 1), ct);
            PersonFacts[] shown = [.. people.Take(query.Limit)];
            var next = people.Count > query.Limit ? new PageCursor(shown[^1].CreatedAt.UtcTicks, shown[^1].UserId).Text : null;
            return new Page(await reading.Many(shown, ct), next);
        }
    }
}
