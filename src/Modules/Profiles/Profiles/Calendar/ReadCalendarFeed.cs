using System.Text;
using MediatR;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Modular.Identity.Contracts;
using Modular.Kernel;
using Modular.Store;

namespace Modular.Profiles;

/// <summary>
/// A calendar program reads somebody's office sessions at their secret address: <c>GET /api/calendar/{token}.ics</c>. Cancelled
/// ones are in it, as such; those of long ago are not.
/// </summary>
internal static class ReadCalendarFeed
{
    internal static readonly Refusal NotFound = Refusal.NotFound("calendar_not_found", "There is no such calendar");

    private static readonly TimeSpan Back = TimeSpan.FromDays(90);

    private const int MostSessions = 1000;

    internal sealed class Endpoint(PublicAddress address, TimeProvider clock) : ICarterModule
    {
        public void AddRoutes(IEndpointRouteBuilder app) => app
            .MapGet("/api/calendar/{token}.ics", async (string token, HttpContext context, IQuerySession store, IMediator mediator, ProfileReading reading, CancellationToken ct) =>
            {
                if (await Owner(token, store, mediator, ct) is not { } owner)
                    return NotFound.ToHttp();
                var sessions = await store.QueryAsync<OfficeSession>(
                    "where (d.mentor_id = ? or d.mentee_id = ?) and d.ends_at > ? order by d.starts_at, d.id limit ?",
                    ct, owner, owner, clock.GetUtcNow() - Back, MostSessions);
                var names = await reading.Names(sessions.Select(session => session.OtherThan(owner)), ct);
                context.Response.Headers.CacheControl = "private, no-cache";
                context.Response.Headers.XContentTypeOptions = "nosniff";
                return TypedResults.Text(Icalendar.Of(sessions, owner, names, address.For(context).Host), Icalendar.ContentType, Encoding.UTF8);
            })
            .WithName(nameof(ReadCalendarFeed))
            .WithTags("office-sessions")
            .Produces(StatusCodes.Status200OK, contentType: "text/calendar")
            .ProducesProblem(StatusCodes.Status404NotFound);

        // By its hash, so how long it takes to look tells nothing of the address. Of whoever is not active there is none.
        private static async Task<string?> Owner(string token, IQuerySession store, IMediator mediator, CancellationToken ct)
        {
            var found = await store.QueryAsync<Profile>("where d.data ->> 'feedHash' = ?", ct, CalendarFeed.HashOf(token));
            return found is [{ UserId: var owner }] && await mediator.Send(new DescribePeople([owner]), ct) is [{ Status: "active" }] ? owner : null;
        }
    }
}
