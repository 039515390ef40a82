using MediatR;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Modular.Kernel;
using Modular.Store;

namespace Modular.Sessions;

/// <summary>
/// A user asks for a token that brings their session to another client, once: <c>GET /one-time-token/generate</c>.
/// </summary>
internal static class GenerateOneTimeToken
{
    internal sealed record Command(LiveSession Current) : IRequest<Outcome<string>>;

    internal sealed class Endpoint : ICarterModule
    {
        public void AddRoutes(IEndpointRouteBuilder app) => app
            .MapAuthGet("/one-time-token/generate", async (HttpContext context, IMediator mediator, CancellationToken ct) =>
            {
                context.Response.Headers.CacheControl = "no-store";
                var outcome = await mediator.Send(new Command(LiveSession.Of(context)), ct);
                return outcome.ToHttp(token => WireJson.Ok(new { token }));
            })
            .RequireSession()
            .WithName(nameof(GenerateOneTimeToken))
            .PartOf(AuthGroup.OneTimeToken);
    }

    internal sealed class Handler(IDocumentSession store, TimeProvider clock) : IRequestHandler<Command, Outcome<string>>
    {
        public Task<Outcome<string>> Handle(Command command, CancellationToken ct)
        {
            var (session, now, text) = (command.Current.Session, clock.GetUtcNow(), OneTimeToken.Mint());
            var token = OneTimeToken.For(text, command.Current, now);
            store.Insert(token);
            store.Events.Append(session.Id, new OneTimeTokenIssued(session.Id, session.UserId, token.ExpiresAt, now));
            return Task.FromResult(Outcome.Of(text));
        }
    }
}
