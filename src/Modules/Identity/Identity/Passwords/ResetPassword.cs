using MediatR;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.Options;
using Modular.Kernel;
using Modular.Sessions.Contracts;
using Modular.Store;

namespace Modular.Identity;

/// <summary>
/// Somebody sets a new password with the token of the mail: <c>POST /api/auth/reset-password</c>. Ends every session of
/// the user unless <c>Auth:EndSessionsOnPasswordReset</c> is off: whoever forced them to reset may be signed in.
/// </summary>
internal static class ResetPassword
{
    internal sealed record Request(string NewPassword, string? Token) : IWireInput<Request>
    {
        public static Request Read(WireBody body)
        {
            var (password, token) = (body.RequiredString("newPassword"), body.OptionalString("token"));
            return new(password, token ?? body.Query.OptionalString("token"));
        }
    }

    internal sealed record Command(string NewPassword, string Token, string BaseUrl, bool EndsSessions) : IRequest<Outcome>, IIdempotent;

    internal static readonly Refusal InvalidToken = Refusal.BadRequest("INVALID_TOKEN", "Invalid token");

    internal static readonly Refusal UserGone = Refusal.BadRequest("USER_NOT_FOUND", "User not found");

    internal sealed class Endpoint(PublicAddress address, IOptions<AuthOptions> options) : ICarterModule
    {
        public void AddRoutes(IEndpointRouteBuilder app) => app
            .MapAuthPost("/reset-password", async (Request request, HttpContext context, IMediator mediator, CancellationToken ct) =>
            {
                if (string.IsNullOrEmpty(request.Token))
                    return InvalidToken.ToHttp();
                // Before the token is looked at: a bad choice does not use it up.
                if (PasswordRules.Refuse(request.NewPassword) is { } refusal)
                    return refusal.ToHttp();
                var outcome = await mediator.Send(
                    new Command(request.NewPassword, request.Token, address.For(context).ToString(), options.Value.EndSessionsOnPasswordReset), ct);
                return outcome.ToHttp(() => WireJson.Ok(new { Status = true }));
            })
            .WithName(nameof(ResetPassword));
    }

    internal sealed class Handler(
        IDocumentSession store, Verifications verifications, NewPassword newPassword, PasskeyEnd passkeys, ApiKeyRemoval keys, IMediator mediator, Caller caller,
        TimeProvider clock)
        : IRequestHandler<Command, Outcome>
    {
        public async Task<Outcome> Handle(Command command, CancellationToken ct)
        {
            if (await verifications.Find<ResetTicket>(ResetTicket.Purpose, command.Token, ct) is not { } ticket)
                return InvalidToken;
            if (await store.LoadAsync<User>(ticket.UserId, ct) is not { } user)
                return UserGone;
            if (user.Email != ticket.Email)
                return InvalidToken;
            if (PasswordRules.Refuse(command.NewPassword, user.Email, user.Name) is { } refusal)
                return refusal;

            verifications.Consume(ResetTicket.Purpose, command.Token);

            // Whoever holds the link is the user, as far as anybody can tell.
            caller.UserId = user.Id;
            if (await newPassword.Set(user, command.NewPassword, command.BaseUrl, at => new PasswordReset(user.Id, at), ct) is { } busy)
                return busy;
            if (!user.EmailVerified)
            {
                await passkeys.OfIntruder(user.Id, "password_reset", ct);
                await keys.Remove(user.Id, "password_reset", User.Now(clock), ct);
            }

            if (command.EndsSessions)
                await mediator.Send(new EndSessionsOfUser(user.Id, "password_reset"), ct);
            return Outcome.Done;
        }
    }
}

/// <summary>A new password was set with a link from a mail.</summary>
internal sealed record PasswordReset(string UserId, DateTimeOffset At);
