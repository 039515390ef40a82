using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Modular.Kernel;
using Modular.Store;

namespace Modular.Profiles;

/// <summary>Either side, or somebody who looks after them, reads an office session: <c>GET /api/office-sessions/{id}</c>.</summary>
internal static class ReadOfficeSession
{
    internal sealed class Endpoint : ICarterModule
    {
        public void AddRoutes(IEndpointRouteBuilder app) => app
            .MapGet("/api/office-sessions/{id}", async (string id, HttpContext context, IQuerySession store, OfficeDesk desk, ProfileReading reading, CancellationToken ct) =>
                await store.LoadAsync<OfficeSession>(id, ct) is { } session && desk.MaySee(session)
                    ? await OfficeSessionAnswer.Of(session, reading, context)
                    : OfficeDesk.NotFound.ToHttp())
            .OfOfficeSession(nameof(ReadOfficeSession));
    }
}
