using MediatR;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.Options;
using Modular.Identity.Contracts;
using Modular.Kernel;
using Modular.Sessions.Contracts;
using Modular.Store;

namespace Modular.Identity;

/// <summary>
/// An administrator acts as a user for an hour: <c>POST /api/auth/admin/impersonate-user</c>. Their own session waits in the
/// cookie <c>admin_session</c> for <see cref="StopImpersonating"/>.
/// </summary>
internal static class ImpersonateUser
{
    internal sealed record Request(string UserId) : IWireInput<Request>
    {
        public static Request Read(WireBody body) => new(AdminInput.UserId(body));
    }

    /// <param name="ByImpersonation">Whether the caller is somebody else already.</param>
    internal sealed record Command(string ActorId, string SessionId, string UserId, bool ByImpersonation) : IRequest<Outcome<SignedInUser>>, IIdempotent;

    internal sealed record Response(WireSession Session, SessionPrincipal User);

    internal static readonly TimeSpan Life = TimeSpan.FromHours(1);

    internal static readonly Refusal NotAdmins = Refusal.Forbidden("YOU_CANNOT_IMPERSONATE_ADMINS", "You cannot impersonate admins");

    internal sealed class Endpoint(SessionCookies cookies, SignedCookies signed, IOptions<AuthOptions> options, IActiveSessions sessions) : ICarterModule
    {
        public void AddRoutes(IEndpointRouteBuilder app) => app
            .MapAuthPost("/admin/impersonate-user", async (Request request, HttpContext context, Caller caller, IMediator mediator, CancellationToken ct) =>
            {
                var isImpersonated = (await sessions.Find(context, ct))?.ImpersonatedBy is not null;
                var outcome = await mediator.Send(new Command(caller.UserId!, caller.SessionId!, request.UserId, isImpersonated), ct);
                return outcome.ToHttp(entered =>
                {
                    var (own, isNotRemembered) = (cookies.ReadToken(context)!, cookies.IsNotRemembered(context));
                    cookies.Clear(context);
                    signed.Set(
                        context, AdminSessionCookie.Name, AdminSessionCookie.Write(own, isNotRemembered), isNotRemembered ? null : options.Value.SessionLifetime);
                    cookies.Start(context, entered.Session.Token, null);
                    return WireJson.Ok(new Response(entered.Session.View, entered.User));
                });
            })
            .OfAdmin(nameof(ImpersonateUser));
    }

    internal sealed class Handler(AdminGate gate, IDocumentSession store, IMediator mediator, TimeProvider clock)
        : IRequestHandler<Command, Outcome<SignedInUser>>
    {
        public async Task<Outcome<SignedInUser>> Handle(Command command, CancellationToken ct)
        {
            if (await gate.Enter(AdminRight.Impersonate, command.UserId, ct) is { } refusal)
                return refusal;
            // In the user's stream: whoever deletes, bans or promotes them meanwhile is told by its version.
            var stream = await store.Events.FetchForWriting<User>(command.UserId, ct);
            if (stream.Aggregate is not { } user)
                return AdminRoutes.UserNotFound;
            if (Decide(user, command, clock.GetUtcNow()) is { } forbidden)
                return gate.Refuse(forbidden, user.Id);
            // Whoever ends the administrator's sessions meanwhile ends this one with them.
            if (!await mediator.Send(new HoldSession(command.SessionId, command.ActorId), ct))
                return Refusal.Unauthorized().WithoutBody();
            var session = await mediator.Send(
                new StartSession(user.Id, Remember: false, "impersonation", ImpersonatedBy: command.ActorId, Life: Life), ct);
            stream.AppendOne(new ImpersonationStarted(user.Id, command.ActorId, session.SessionId, User.Now(clock)));
            return new SignedInUser(session, user.ToPrincipal());
        }
    }

    internal static Refusal? Decide(User user, Command command, DateTimeOffset now) => user switch
    {
        _ when command.ByImpersonation => AdminRight.Impersonate.Refusal,
        _ when user.Roles.Contains(User.AdminRole) => NotAdmins,
        _ when user.IsBanned(now) => Admission.Banned,
        _ => null,
    };
}

/// <summary>The administrator's own session while they are somebody else: <c>token:true</c> when it is not remembered, else <c>token:</c>.</summary>
internal static class AdminSessionCookie
{
    public const string Name = "admin_session";

    public static string Write(string token, bool isNotRemembered) => $"{token}:{(isNotRemembered ? "true" : "")}";

    public static (string Token, bool IsNotRemembered) Read(string value)
    {
        // Tokens made elsewhere may have colons.
        var at = value.LastIndexOf(':');
        return at < 0 ? (value, false) : (value[..at], at < value.Length - 1);
    }
}

/// <summary>From now on an administrator acts as the user, in a session of its own.</summary>
/// <param name="AdminId">Who acts.</param>
/// <param name="SessionId">Every event that names this session was brought about by the administrator.</param>
internal sealed record ImpersonationStarted(string UserId, string AdminId, string SessionId, DateTimeOffset At);
