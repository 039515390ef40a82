using MediatR;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Routing;
using Modular.Kernel;
using Modular.Store;

namespace Modular.Sessions;

/// <summary>
/// An Auth.js application signs a user in: <c>POST /api/adapter/create-session</c>. An ordinary session with the application's own
/// token, of which only the hash is kept, and its own end, within the longest life a session may have here.
/// </summary>
internal static class CreateAdapterSession
{
    internal sealed record Request(string? SessionToken, string? UserId, DateTimeOffset Expires);

    internal sealed record Command(string Token, string UserId, DateTimeOffset Expires) : IRequest<Outcome<AuthJsSession>>, IIdempotent;

    internal static readonly Refusal UserNotFound = Refusal.NotFound("user_not_found", "There is no such user");

    internal static readonly Refusal Banned = Refusal.Forbidden("banned_user", "The user has been banned");

    internal static readonly Refusal Taken = Refusal.Conflict("session_taken", "There is a session with this token");

    /// <summary>A UUID, which is what Auth.js makes, is longer; nobody may be let in by what can be guessed.</summary>
    private const int ShortestToken = 16;

    internal sealed class Endpoint(LiveSessions known) : ICarterModule
    {
        public void AddRoutes(IEndpointRouteBuilder app) => app
            .MapAdapter("/create-session", async (Request request, IMediator mediator, CancellationToken ct) =>
            {
                if (Forbids(request) is { } invalid)
                    return invalid.ToHttp();
                var outcome = await mediator.Send(new Command(request.SessionToken!, request.UserId!, request.Expires), ct);
                return outcome.ToHttp(session =>
                {
                    // Whoever asked for it before found none, and that may be remembered.
                    known.Drop(TokenHash.From(new SessionToken(session.SessionToken).Hash));
                    return AdapterRoutes.Answer(session);
                });
            })
            .WithName(nameof(CreateAdapterSession));
    }

    internal sealed class Handler(
        IDocumentSession store, SessionUsers users, IMediator mediator, Refusals refusals, Caller caller, TimeProvider clock)
        : IRequestHandler<Command, Outcome<AuthJsSession>>
    {
        public async Task<Outcome<AuthJsSession>> Handle(Command command, CancellationToken ct)
        {
            var now = clock.GetUtcNow();
            if (!AdapterRoutes.IsStorable(command.UserId) || await users.IsBanned(command.UserId, now, ct) is not { } isBanned)
                return UserNotFound;
            if (isBanned)
            {
                refusals.Record(
                    $"session-refused:{Guid.CreateVersion7(now):N}", new SessionRefused(command.UserId, AuthJsSession.Method, "banned", now));
                return Banned;
            }

            refusals.When("mt_doc_session_uidx_token_hash", Taken);
            var started = await mediator.Send(
                new Contracts.StartSession(command.UserId, Remember: false, AuthJsSession.Method, Token: command.Token, ExpiresAt: command.Expires), ct);
            SessionUsers.Hold(store, command.UserId, started.SessionId);
            (caller.UserId, caller.SessionId) = (command.UserId, started.SessionId);
            return new AuthJsSession(command.Token, command.UserId, started.ExpiresAt);
        }
    }

    internal static Refusal? Forbids(Request request)
    {
        List<FieldError> errors = [];
        if (request.SessionToken is not { Length: >= ShortestToken })
            errors.Add(new("sessionToken", $"This must have at least {ShortestToken} characters"));
        if (string.IsNullOrEmpty(request.UserId))
            errors.Add(new("userId", "This is missing"));
        return errors.Count > 0 ? Refusal.Invalid(errors) : null;
    }
}

/// <summary>Somebody was to be signed in and must not be.</summary>
/// <param name="Method">How they came.</param>
/// <param name="Reason">A stable code: <c>banned</c>.</param>
internal sealed record SessionRefused(string UserId, string Method, string Reason, DateTimeOffset At);
