using MediatR;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Modular.Kernel;
using Modular.Store;

namespace Modular.Sessions;

/// <summary>Another client joins the session that a one-time token was made in: <c>POST /one-time-token/verify</c>.</summary>
internal static class VerifyOneTimeToken
{
    internal sealed record Request(string Token) : IWireInput<Request>
    {
        public static Request Read(WireBody body) => new(body.RequiredString("token"));
    }

    internal sealed record Command(string Token) : IRequest<Outcome<LiveSession>>, IIdempotent;

    internal static readonly Refusal Invalid = Refusal.BadRequest("INVALID_TOKEN", "Invalid token").WithoutCode();

    internal static readonly Refusal NoSession = Refusal.BadRequest("SESSION_NOT_FOUND", "Session not found").WithoutCode();

    internal static readonly Refusal SessionExpired = Refusal.BadRequest("SESSION_EXPIRED", "Session expired").WithoutCode();

    internal sealed class Endpoint(SessionSwitch device) : ICarterModule
    {
        public void AddRoutes(IEndpointRouteBuilder app) => app
            .MapAuthPost("/one-time-token/verify", async (Request request, HttpContext context, IMediator mediator, CancellationToken ct) =>
            {
                var outcome = await mediator.Send(new Command(request.Token), ct);
                return outcome.ToHttp(live =>
                {
                    device.To(context, live);
                    return WireJson.Ok(SessionAnswer.Of(live));
                });
            })
            .WithName(nameof(VerifyOneTimeToken))
            .PartOf(AuthGroup.OneTimeToken);
    }

    internal sealed class Handler(IDocumentSession store, Refusals refusals, SessionRows rows, Caller caller, TimeProvider clock)
        : IRequestHandler<Command, Outcome<LiveSession>>
    {
        private const string Delete = "delete from sessions.mt_doc_one_time_token where id = ?";

        public async Task<Outcome<LiveSession>> Handle(Command command, CancellationToken ct)
        {
            if (await store.LoadAsync<OneTimeToken>(OneTimeToken.IdOf(command.Token), ct) is not { } token
                || token.Open(command.Token) is not { } opened)
                return Invalid;
            var (live, now) = (await rows.Find(opened, ct), clock.GetUtcNow());
            if (Decide(token, live, now) is { } refused)
            {
                refusals.Record(token.SessionId, new OneTimeTokenRefused(token.SessionId, token.UserId, refused.Reason, now));
                refusals.QueueSqlCommand(Delete, token.Id);
                return refused.Refusal;
            }

            // Of several that use it at once only one deletes it; the others start over, and find none.
            store.QueueSqlCommand(1, Delete, token.Id);
            (caller.UserId, caller.SessionId) = (token.UserId, token.SessionId);
            store.Events.Append(token.SessionId, new OneTimeTokenUsed(token.SessionId, token.UserId, now));
            return live!;
        }
    }

    /// <summary>Null: let in.</summary>
    internal static (Refusal Refusal, string Reason)? Decide(OneTimeToken token, LiveSession? live, DateTimeOffset now)
    {
        if (token.ExpiresAt <= now)
            return (Invalid, "expired");
        if (live is null || live.Session.Id != token.SessionId)
            return (NoSession, "session_over");
        if (live.Session.IsOver(now))
            return (SessionExpired, "session_expired");
        return live.IsLive(now) ? null : (NoSession, "banned");
    }
}
