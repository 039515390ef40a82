using MediatR;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Modular.Kernel;
using Modular.Sessions.Contracts;
using Modular.Store;

namespace Modular.Sessions;

/// <summary>A user sees the devices they are signed in on: <c>GET /list-sessions</c>, within a day of signing in. An administrator who acts as them is not shown.</summary>
internal static class ListSessions
{
    internal sealed record Query(LiveSession Current) : IRequest<Outcome<IReadOnlyList<WireSession>>>;

    internal static readonly Refusal NotFresh = Refusal.Forbidden("SESSION_NOT_FRESH", "Session is not fresh");

    internal sealed class Endpoint : ICarterModule
    {
        public void AddRoutes(IEndpointRouteBuilder app) => app
            .MapAuthGet("/list-sessions", async (HttpContext context, IMediator mediator, CancellationToken ct) =>
            {
                var outcome = await mediator.Send(new Query(LiveSession.Of(context)), ct);
                return outcome.ToHttp(WireJson.Ok);
            })
            .RequireSession()
            .WithName(nameof(ListSessions));
    }

    internal sealed class Handler(IDocumentSession store, Refusals refusals, TimeProvider clock)
        : IRequestHandler<Query, Outcome<IReadOnlyList<WireSession>>>
    {
        public async Task<Outcome<IReadOnlyList<WireSession>>> Handle(Query query, CancellationToken ct)
        {
            var (current, now) = (query.Current.Session, clock.GetUtcNow());
            if (!current.IsFresh(now))
            {
                refusals.Record(current.Id, new SessionAccessRefused(current.Id, current.UserId, "list_sessions", "session_not_fresh", now));
                return NotFresh;
            }

            var live = await store.QueryAsync<Session>("where d.user_id = ? and d.expires_at > ? and d.impersonated_by is null order by d.id", ct, current.UserId, now);
            return Outcome.Of(Shown(live, query.Current));
        }
    }

    /// <summary>Only the token that came with the request goes back; other devices are named by their handles.</summary>
    internal static IReadOnlyList<WireSession> Shown(IReadOnlyList<Session> live, LiveSession current) =>
        [.. live.Select(session => session.ToWire(session.Id == current.Session.Id ? current.Token.Text : session.Handle))];
}
