using System.Text;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Modular.Kernel;
using Modular.Store;

namespace Modular.Profiles;

/// <summary>Either side puts an office session into their calendar: <c>GET /api/office-sessions/{id}.ics</c>.</summary>
internal static class ExportOfficeSession
{
    internal sealed class Endpoint(PublicAddress address) : ICarterModule
    {
        public void AddRoutes(IEndpointRouteBuilder app) => app
            .MapGet("/api/office-sessions/{id}.ics", async (string id, HttpContext context, Caller caller, IQuerySession store, OfficeDesk desk, ProfileReading reading, CancellationToken ct) =>
            {
                if (await store.LoadAsync<OfficeSession>(id, ct) is not { } session || !desk.MaySee(session))
                    return OfficeDesk.NotFound.ToHttp();
                var reader = caller.UserId == session.MentorId || caller.UserId == session.MenteeId ? caller.UserId : null;
                var names = await reading.Names([session.MentorId, session.MenteeId], ct);
                context.Response.Headers.CacheControl = "no-store";
                context.Response.Headers.XContentTypeOptions = "nosniff";
                context.Response.Headers.ContentDisposition = "attachment; filename=\"office-session.ics\"";
                return TypedResults.Text(Icalendar.Of([session], reader, names, address.For(context).Host), Icalendar.ContentType, Encoding.UTF8);
            })
            .RequireSession()
            .WithName(nameof(ExportOfficeSession))
            .WithTags("office-sessions")
            .Produces(StatusCodes.Status200OK, contentType: "text/calendar")
            .ProducesProblem(StatusCodes.Status404NotFound);
    }
}
