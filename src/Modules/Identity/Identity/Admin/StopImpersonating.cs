using MediatR;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.Options;
using Modular.Identity.Contracts;
using Modular.Kernel;
using Modular.Sessions.Contracts;
using Modular.Store;

namespace Modular.Identity;

/// <summary>An administrator is themselves again: <c>POST /api/auth/admin/stop-impersonating</c>.</summary>
internal static class StopImpersonating
{
    /// <param name="AdminId">Who acts as the user.</param>
    /// <param name="AdminToken">Of their own session; null: there is no cookie of it.</param>
    internal sealed record Command(string AdminId, string UserId, string SessionId, string? AdminToken) : IRequest<Outcome<Resumed>>, IIdempotent;

    internal sealed record Resumed(WireSession Session, SessionPrincipal User);

    internal static readonly Refusal NotImpersonating = Refusal.BadRequest("NOT_IMPERSONATING", "You are not impersonating anyone").WithoutCode();

    internal static readonly Refusal NoUser = Refusal.Of(StatusCodes.Status500InternalServerError, "ADMIN_NOT_FOUND", "Failed to find user").WithoutCode();

    internal static readonly Refusal NoSession = Refusal.Of(
        StatusCodes.Status500InternalServerError, "ADMIN_SESSION_NOT_FOUND", "Failed to find admin session").WithoutCode();

    internal sealed class Endpoint(SessionCookies cookies, SignedCookies signed, IOptions<AuthOptions> options, IActiveSessions sessions) : ICarterModule
    {
        public void AddRoutes(IEndpointRouteBuilder app) => app
            .MapAuthPost("/admin/stop-impersonating", new AuthPost { BodyOptional = true }, async (HttpContext context, IMediator mediator, CancellationToken ct) =>
            {
                if (await sessions.Find(context, ct) is not { ImpersonatedBy: { } adminId } session)
                    return NotImpersonating.ToHttp();
                var (token, isNotRemembered) = signed.Read(context, AdminSessionCookie.Name) is { } value ? AdminSessionCookie.Read(value) : (null, false);
                var outcome = await mediator.Send(new Command(adminId, session.UserId, session.SessionId, token), ct);
                return outcome.ToHttp(resumed =>
                {
                    // The cookie of the other session may not be remembered; what is left of it must not speak for this one.
                    signed.Delete(context, SessionCookies.NotRemembered);
                    cookies.Start(context, token!, isNotRemembered ? null : options.Value.SessionLifetime);
                    signed.Delete(context, AdminSessionCookie.Name);
                    return WireJson.Ok(resumed);
                });
            })
            .OfAdmin(nameof(StopImpersonating));
    }

    internal sealed class Handler(IDocumentSession store, IMediator mediator, Caller caller, TimeProvider clock) : IRequestHandler<Command, Outcome<Resumed>>
    {
        public async Task<Outcome<Resumed>> Handle(Command command, CancellationToken ct)
        {
            if (await store.LoadAsync<User>(command.AdminId, ct) is not { } admin || admin.IsBanned(clock.GetUtcNow()))
                return NoUser;
            if (command.AdminToken is null || await mediator.Send(new FindSession(command.AdminToken, admin.Id), ct) is not { } own)
                return NoSession;
            if (!await mediator.Send(new EndSession(command.SessionId, "impersonation_stopped"), ct))
                return NotImpersonating;
            (caller.UserId, caller.SessionId, caller.Roles) = (admin.Id, own.Id, admin.Roles);
            store.Events.Append(command.UserId, new ImpersonationStopped(command.UserId, admin.Id, command.SessionId, User.Now(clock)));
            return new Resumed(own, admin.ToPrincipal());
        }
    }
}

/// <summary>The administrator gave the user's session up.</summary>
internal sealed record ImpersonationStopped(string UserId, string AdminId, string SessionId, DateTimeOffset At);
