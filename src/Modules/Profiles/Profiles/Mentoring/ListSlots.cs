using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.Options;
using Modular.Kernel;
using Modular.Store;

namespace Modular.Profiles;

/// <summary>
/// Whoever is signed in sees when a mentor has time, on the clock of any zone: <c>GET /api/mentors/{id}/slots?from=&amp;to=&amp;timeZone=</c>.
/// </summary>
internal static class ListSlots
{
    internal sealed record Response(string TimeZone, int? SlotMinutes, IReadOnlyList<Slot> Slots);

    /// <param name="Local">The beginning on the viewer's clock, with its offset: of a time that comes twice it tells which one.</param>
    internal sealed record Slot(DateTimeOffset StartsAt, DateTimeOffset EndsAt, string Local);

    internal static readonly Refusal NoZone = Refusal.Invalid(new FieldError("timeZone", "A time zone such as 'Europe/Berlin' (IANA).", "query"));

    internal sealed class Endpoint(IOptions<OfficeSessionOptions> options, TimeProvider clock) : ICarterModule
    {
        public void AddRoutes(IEndpointRouteBuilder app) => app
            .MapGet("/api/mentors/{id}/slots", async (
                string id, string? from, string? to, string? timeZone, HttpContext context, Caller caller, Mentors mentors, IQuerySession store, CancellationToken ct) =>
            {
                if (TimeRange.Wrong(from, to) is { } wrong)
                    return wrong.ToHttp();
                if (timeZone is not null && !ProfileText.IsTimeZone(timeZone))
                    return NoZone.ToHttp();
                if (await mentors.Find(caller.Named(id), ct) is not { } mentor)
                    return Mentors.NotFound.ToHttp();
                var range = new Span(TimeRange.Instant(from)!.Value, TimeRange.Instant(to)!.Value);
                var earliest = clock.GetUtcNow() + options.Value.BookingNotice;
                var busy = await mentors.Busy([mentor.UserId], range, ct);
                var viewer = timeZone ?? (await store.LoadAsync<Profile>(caller.UserId!, ct))?.TimeZone ?? mentor.Availability?.TimeZone ?? "Etc/UTC";
                context.Response.Headers.CacheControl = "no-store";
                return WireJson.Ok(new Response(
                    viewer, mentor.Availability?.SlotMinutes,
                    [.. Mentors.Free(mentor, range, busy[mentor.UserId]).Where(slot => slot.From >= earliest).Select(slot => Shown(slot, viewer))]));
            })
            .RequireSession()
            .WithName(nameof(ListSlots))
            .WithTags("mentoring")
            .Produces<Response>()
            .ProducesProblem(StatusCodes.Status400BadRequest)
            .ProducesProblem(StatusCodes.Status404NotFound);
    }

    internal static Slot Shown(Span slot, string timeZone) => new(
        slot.From, slot.To,
        TimeZoneInfo.ConvertTime(slot.From, TimeZoneInfo.FindSystemTimeZoneById(timeZone)).ToString("yyyy-MM-dd'T'HH:mm:sszzz", System.Globalization.CultureInfo.InvariantCulture));
}
