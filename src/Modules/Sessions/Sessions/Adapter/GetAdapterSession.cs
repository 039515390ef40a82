using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Routing;
using Modular.Identity.Contracts;
using Modular.Kernel;

namespace Modular.Sessions;

/// <summary>
/// An Auth.js application asks who is signed in: <c>POST /api/adapter/get-session-and-user</c>. Nobody, where the session is over,
/// revoked, or its user banned. Answered from memory where that is safe.
/// </summary>
internal static class GetAdapterSession
{
    internal sealed record Request(string? SessionToken);

    internal sealed record Response(AuthJsSession Session, AuthJsUser User);

    internal sealed class Endpoint(ActiveSessions sessions) : ICarterModule
    {
        public void AddRoutes(IEndpointRouteBuilder app) => app
            .MapAdapter("/get-session-and-user", async (Request request, CancellationToken ct) =>
            {
                var live = request.SessionToken is { Length: > 0 } token ? await sessions.FindOfApplication(new SessionToken(token), ct) : null;
                return AdapterRoutes.Answer(live is null ? null : new Response(AuthJsSession.Of(live.Token, live.Session), AuthJsUser.Of(live.User)));
            })
            .WithName(nameof(GetAdapterSession));
    }
}
