using MediatR;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Modular.Kernel;

namespace Modular.Profiles;

/// <summary>The secret address of a user's calendar works no more: <c>DELETE /api/calendar-feed</c>.</summary>
internal static class CloseCalendarFeed
{
    internal sealed record Command(string UserId) : IRequest<Outcome<Profile>>, IIdempotent;

    internal sealed class Endpoint : ICarterModule
    {
        public void AddRoutes(IEndpointRouteBuilder app) => app
            .MapDelete("/api/calendar-feed", async (Caller caller, IMediator mediator, CancellationToken ct) =>
            {
                var outcome = await mediator.Send(new Command(caller.UserId!), ct);
                return outcome.ToHttp(_ => TypedResults.NoContent());
            })
            .RequireSession()
            .WithName(nameof(CloseCalendarFeed))
            .WithTags("office-sessions")
            .Produces(StatusCodes.Status204NoContent);
    }

    internal sealed class Handler(ProfileStreams profiles) : IRequestHandler<Command, Outcome<Profile>>
    {
        public async Task<Outcome<Profile>> Handle(Command command, CancellationToken ct)
        {
            var opened = await profiles.Open(command.UserId, [], ct);
            if (opened.Refusal is { } refusal)
                return refusal;
            var open = opened.Answer;
            return await open.Append(open.Profile.FeedHash is null ? null : new CalendarFeedClosed(command.UserId, open.Now), ct);
        }
    }
}
