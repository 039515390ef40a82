using MediatR;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.Options;
using Modular.Identity.Contracts;
using Modular.Kernel;
using Modular.Sessions.Contracts;

namespace Modular.Identity;

/// <summary>
/// A user shows with a code that their address is theirs: <c>POST /api/auth/email-otp/verify-email</c>. Signs in where
/// <c>Auth:SignInAfterVerification</c> is on.
/// </summary>
internal static class VerifyEmailWithCode
{
    internal sealed record Request(string Email, string Otp) : IWireInput<Request>
    {
        public static Request Read(WireBody body) => new(body.RequiredString("email"), body.RequiredString("otp"));
    }

    internal sealed record Command(string Email, string Otp) : IRequest<Outcome<Verified>>, IIdempotent;

    /// <param name="Session">Null: nobody was signed in by this.</param>
    internal sealed record Verified(SessionPrincipal User, StartedSession? Session);

    internal sealed record Response(bool Status, string? Token, SessionPrincipal User);

    internal sealed class Endpoint(SessionCookies cookies) : ICarterModule
    {
        public void AddRoutes(IEndpointRouteBuilder app) => app
            .MapAuthPost("/email-otp/verify-email", async (Request request, HttpContext context, IMediator mediator, CancellationToken ct) =>
            {
                if (!WireBody.IsEmail(request.Email))
                    return EmailCodeRefusals.InvalidEmail.ToHttp();
                var outcome = await mediator.Send(new Command(request.Email.ToLowerInvariant(), request.Otp), ct);
                return outcome.ToHttp(verified =>
                {
                    if (verified.Session is { } session)
                        cookies.Start(context, session.Token, session.CookieLifetime);
                    return WireJson.Ok(new Response(true, verified.Session?.Token, verified.User));
                });
            })
            .WithName(nameof(VerifyEmailWithCode))
            .PartOf(AuthGroup.EmailOtp);
    }

    internal sealed class Handler(
        EmailCodeCheck check, Registration registration, Admission admission, GuessLimit guesses, Caller caller, IOptions<AuthOptions> options,
        TimeProvider clock) : IRequestHandler<Command, Outcome<Verified>>
    {
        public async Task<Outcome<Verified>> Handle(Command command, CancellationToken ct)
        {
            var key = CodeKey.Verification(command.Email);
            if (await check.Refuse(key, command.Otp, command.Email, uses: true, ct) is { } refusal)
                return refusal;
            if (await registration.Find(command.Email, ct) is not { } found
                || await check.StreamOf(found, ct) is not { Aggregate: { } user } stream || user.Email != command.Email)
                return await check.RefuseRight(key, command.Email, EmailCodeRefusals.UserGone, ct);

            check.Used(stream, key);
            if (!user.EmailVerified)
            {
                var verified = new UserEmailVerified(user.Id, "email_otp", User.Now(clock));
                stream.AppendOne(verified);
                user = user.Apply(verified);
            }

            if (!options.Value.SignInAfterVerification)
            {
                caller.UserId ??= user.Id;
                guesses.Know(user);
                return new Verified(user.ToPrincipal(), null);
            }

            var entered = await admission.Enter(user, remember: true, "email-otp", ct);
            return entered.Refusal is { } banned ? banned : new Verified(entered.Answer.User, entered.Answer.Session);
        }
    }
}
