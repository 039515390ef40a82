using MediatR;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Routing;
using Modular.Kernel;
using Modular.Store;

namespace Modular.Sessions;

/// <summary>
/// An Auth.js application signs a device out: <c>POST /api/adapter/delete-session</c>. Answers the session that was, so that it knows
/// who left; quiet where there is none.
/// </summary>
internal static class DeleteAdapterSession
{
    internal sealed record Request(string? SessionToken);

    internal sealed record Command(SessionToken Token) : IRequest<Outcome<Ended>>, IIdempotent;

    /// <param name="Session">Null: there was none that lived.</param>
    internal sealed record Ended(Session? Session);

    internal sealed class Endpoint : ICarterModule
    {
        public void AddRoutes(IEndpointRouteBuilder app) => app
            .MapAdapter("/delete-session", async (Request request, IMediator mediator, CancellationToken ct) =>
            {
                if (request.SessionToken is not { Length: > 0 } text)
                    return AdapterRoutes.Answer(null);
                var token = new SessionToken(text);
                return (await mediator.Send(new Command(token), ct))
                    .ToHttp(ended => AdapterRoutes.Answer(ended.Session is { } session ? AuthJsSession.Of(token, session) : null));
            })
            .WithName(nameof(DeleteAdapterSession));
    }

    internal sealed class Handler(IDocumentSession store, Caller caller, TimeProvider clock) : IRequestHandler<Command, Outcome<Ended>>
    {
        public async Task<Outcome<Ended>> Handle(Command command, CancellationToken ct)
        {
            var found = await store.QueryAsync<Session>("where d.token_hash = ?", ct, command.Token.Hash);
            if (found.Count == 0)
                return new Ended(null);
            var stream = await store.Events.FetchForWriting<Session>(found[0].Id, ct);
            var now = clock.GetUtcNow();
            if (stream.Aggregate is not { } session || session.IsOver(now))
                return new Ended(null);
            (caller.UserId, caller.SessionId) = (session.UserId, session.Id);
            stream.AppendOne(new SessionSignedOut(session.Id, session.UserId, now));
            return new Ended(session);
        }
    }
}
