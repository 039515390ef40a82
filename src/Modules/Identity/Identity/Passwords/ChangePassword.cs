using MediatR;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Modular.Identity.Contracts;
using Modular.Kernel;
using Modular.Sessions.Contracts;
using Modular.Store;

namespace Modular.Identity;

/// <summary>
/// A user changes their password: <c>POST /api/auth/change-password</c>. With <c>revokeOtherSessions</c> every session
/// ends and this device gets a new one.
/// </summary>
internal static class ChangePassword
{
    internal sealed record Request(string NewPassword, string CurrentPassword, bool? RevokeOtherSessions) : IWireInput<Request>
    {
        public static Request Read(WireBody body) => new(
            body.RequiredString("newPassword"), body.RequiredString("currentPassword"), body.OptionalBool("revokeOtherSessions"));
    }

    /// <param name="Remember">Of the session that replaces this one.</param>
    internal sealed record Command(string UserId, string NewPassword, string CurrentPassword, bool Revoke, bool Remember, string BaseUrl)
        : IRequest<Outcome<Changed>>, IIdempotent;

    internal sealed record Changed(StartedSession? Session, SessionPrincipal User);

    internal sealed record Response(string? Token, SessionPrincipal User);

    internal sealed class Endpoint(PublicAddress address, SessionCookies cookies) : ICarterModule
    {
        public void AddRoutes(IEndpointRouteBuilder app) => app
            .MapAuthPost("/change-password", async (Request request, HttpContext context, Caller caller, IMediator mediator, CancellationToken ct) =>
            {
                if (PasswordRules.Refuse(request.NewPassword) is { } refusal)
                    return refusal.ToHttp();
                var outcome = await mediator.Send(
                    new Command(
                        caller.UserId!, request.NewPassword, request.CurrentPassword, request.RevokeOtherSessions ?? false,
                        !cookies.IsNotRemembered(context), address.For(context).ToString()),
                    ct);
                return outcome.ToHttp(changed =>
                {
                    if (changed.Session is { } session)
                        cookies.Start(context, session.Token, session.CookieLifetime);
                    return WireJson.Ok(new Response(changed.Session?.Token, changed.User));
                });
            })
            .RequireSession()
            .WithName(nameof(ChangePassword));
    }

    internal sealed class Handler(IDocumentSession store, OwnPassword owned, NewPassword newPassword, Admission admission, IMediator mediator)
        : IRequestHandler<Command, Outcome<Changed>>
    {
        public async Task<Outcome<Changed>> Handle(Command command, CancellationToken ct)
        {
            // Deleted since the session was checked.
            if (await store.LoadAsync<User>(command.UserId, ct) is not { } user)
                return Refusal.Unauthorized();
            if (PasswordRules.Refuse(command.NewPassword, user.Email, user.Name) is { } unwise)
                return unwise;
            var own = await owned.Check(user.Id, command.CurrentPassword, "change_password", OwnPassword.NoPassword, ct);
            if (own.Refusal is { } refusal)
                return refusal;
            if (await newPassword.Set(
                user, command.NewPassword, command.BaseUrl, at => new PasswordChanged(user.Id, at), ct, own.Answer.Password) is { } notSet)
                return notSet;
            if (!command.Revoke)
                return new Changed(null, user.ToPrincipal());
            await mediator.Send(new EndSessionsOfUser(user.Id, "password_changed"), ct);
            return new Changed(await admission.Admit(user, command.Remember, "password", ct), user.ToPrincipal());
        }
    }
}

/// <summary>A user who knew the old password set a new one.</summary>
internal sealed record PasswordChanged(string UserId, DateTimeOffset At);
