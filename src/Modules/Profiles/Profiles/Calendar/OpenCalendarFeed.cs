using MediatR;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Modular.Kernel;

namespace Modular.Profiles;

/// <summary>
/// A user gets a secret address for their calendar, shown this once; one they had works no more: <c>POST /api/calendar-feed</c>.
/// </summary>
internal static class OpenCalendarFeed
{
    internal sealed record Command(string UserId, string TokenHash) : IRequest<Outcome<Profile>>, IIdempotent;

    internal sealed class Endpoint(PublicAddress address) : ICarterModule
    {
        public void AddRoutes(IEndpointRouteBuilder app) => app
            .MapPost("/api/calendar-feed", async (HttpContext context, Caller caller, IMediator mediator, CancellationToken ct) =>
            {
                // It outlives the session, so only the user's own may have one made.
                if (await SignedInExtensions.Identify(context) is not { ImpersonatedBy: null, KeyId: null })
                    return Refusal.Forbidden().ToHttp();
                var token = CalendarFeed.NewToken();
                var outcome = await mediator.Send(new Command(caller.UserId!, CalendarFeed.HashOf(token)), ct);
                context.Response.Headers.CacheControl = "no-store";
                return outcome.ToHttp(_ => WireJson.Json(new { Url = $"{address.For(context)}api/calendar/{token}.ics" }, StatusCodes.Status201Created));
            })
            .RequireSession()
            .WithName(nameof(OpenCalendarFeed))
            .WithTags("office-sessions")
            .Produces(StatusCodes.Status201Created);
    }

    internal sealed class Handler(ProfileStreams profiles) : IRequestHandler<Command, Outcome<Profile>>
    {
        public async Task<Outcome<Profile>> Handle(Command command, CancellationToken ct)
        {
            var opened = await profiles.Open(command.UserId, [], ct);
            return opened.Refusal is { } refusal
                ? refusal
                : await opened.Answer.Append(new CalendarFeedOpened(command.UserId, command.TokenHash, opened.Answer.Now), ct);
        }
    }
}
