using MediatR;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.Options;
using Modular.Kernel;
using Modular.Sessions.Contracts;

namespace Modular.Identity;

/// <summary>
/// Somebody sets a new password with a code from a mail, which also verifies their address:
/// <c>POST /api/auth/email-otp/reset-password</c>. Ends every session of the user unless
/// <c>Auth:EndSessionsOnPasswordReset</c> is off.
/// </summary>
internal static class ResetPasswordWithCode
{
    internal sealed record Request(string Email, string Otp, string Password) : IWireInput<Request>
    {
        public static Request Read(WireBody body) => new(body.RequiredString("email"), body.RequiredString("otp"), body.RequiredString("password"));
    }

    internal sealed record Command(string Email, string Otp, string Password, string BaseUrl, bool EndsSessions) : IRequest<Outcome>, IIdempotent;

    internal sealed class Endpoint(PublicAddress address, IOptions<AuthOptions> options) : ICarterModule
    {
        public void AddRoutes(IEndpointRouteBuilder app) => app
            .MapAuthPost("/email-otp/reset-password", async (Request request, HttpContext context, IMediator mediator, CancellationToken ct) =>
            {
                // Before the code is looked at: a bad choice neither uses it up nor tells whether it was right.
                if (PasswordRules.Refuse(request.Password, request.Email) is { } refusal)
                    return refusal.ToHttp();
                var outcome = await mediator.Send(
                    new Command(
                        request.Email.ToLowerInvariant(), request.Otp, request.Password, address.For(context).ToString(),
                        options.Value.EndSessionsOnPasswordReset),
                    ct);
                return outcome.ToHttp(() => WireJson.Ok(new { Success = true }));
            })
            .WithName(nameof(ResetPasswordWithCode))
            .PartOf(AuthGroup.EmailOtp);
    }

    internal sealed class Handler(
        EmailCodeCheck check, EmailCodes codes, Registration registration, NewPassword newPassword, IMediator mediator, Caller caller, TimeProvider clock)
        : IRequestHandler<Command, Outcome>
    {
        public async Task<Outcome> Handle(Command command, CancellationToken ct)
        {
            var key = CodeKey.PasswordReset(command.Email);
            if (await check.Refuse(key, command.Otp, command.Email, uses: false, ct) is { } wrong)
                return wrong;
            if (await registration.Find(command.Email, ct) is not { } found
                || await check.StreamOf(found, ct) is not { Aggregate: { } user } stream || user.Email != command.Email)
                return await check.RefuseRight(key, command.Email, EmailCodeRefusals.UserGone, ct);
            if (PasswordRules.Refuse(command.Password, user.Name) is { } refusal)
                return refusal;

            codes.Use(key, command.Otp);
            check.Used(stream, key);
            if (!user.EmailVerified)
                stream.AppendOne(new UserEmailVerified(user.Id, "email_otp", User.Now(clock)));

            // Whoever has the code is the user, as far as anybody can tell.
            caller.UserId = user.Id;
            if (await newPassword.Set(user, command.Password, command.BaseUrl, at => new PasswordReset(user.Id, at), ct) is { } busy)
                return busy;
            if (command.EndsSessions)
                await mediator.Send(new EndSessionsOfUser(user.Id, "password_reset"), ct);
            return Outcome.Done;
        }
    }
}
