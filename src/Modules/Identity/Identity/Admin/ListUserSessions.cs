using MediatR;
using Microsoft.AspNetCore.Routing;
using Modular.Kernel;
using Modular.Sessions.Contracts;

namespace Modular.Identity;

/// <summary>An administrator sees where a user is signed in: <c>POST /api/auth/admin/list-user-sessions</c>.</summary>
internal static class ListUserSessions
{
    internal sealed record Request(string UserId) : IWireInput<Request>
    {
        public static Request Read(WireBody body) => new(AdminInput.UserId(body));
    }

    internal sealed record Query(string UserId) : IRequest<Outcome<IReadOnlyList<WireSession>>>;

    internal sealed class Endpoint : ICarterModule
    {
        public void AddRoutes(IEndpointRouteBuilder app) => app
            .MapAuthPost("/admin/list-user-sessions", async (Request request, IMediator mediator, CancellationToken ct) =>
            {
                var outcome = await mediator.Send(new Query(request.UserId), ct);
                return outcome.ToHttp(sessions => WireJson.Ok(new { Sessions = sessions }));
            })
            .OfAdmin(nameof(ListUserSessions));
    }

    internal sealed class Handler(AdminGate gate, IMediator mediator) : IRequestHandler<Query, Outcome<IReadOnlyList<WireSession>>>
    {
        public async Task<Outcome<IReadOnlyList<WireSession>>> Handle(Query query, CancellationToken ct) =>
            gate.Check(AdminRight.ListSessions, query.UserId) is { } refusal
                ? refusal
                : Outcome.Of(await mediator.Send(new FindSessionsOfUser(query.UserId), ct));
    }
}
