using System.Text.Json.Serialization;
using MediatR;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.Options;
using Modular.Identity.Contracts;
using Modular.Kernel;

namespace Modular.Identity;

/// <summary>A user signs in with e-mail address and password: <c>POST /api/auth/sign-in/email</c>.</summary>
internal static class SignIn
{
    internal sealed record Request(string Email, string Password, string? CallbackUrl, bool? RememberMe) : IWireInput<Request>
    {
        public static Request Read(WireBody body) => new(
            body.RequiredString("email"), body.RequiredString("password"), body.OptionalString("callbackURL"), body.OptionalBool("rememberMe"));
    }

    /// <param name="Email">In lower case.</param>
    /// <param name="Device">The cookie of a trusted device.</param>
    internal sealed record Command(string Email, string Password, bool Remember, string? Device) : IRequest<Outcome<PasswordEntry>>, IIdempotent;

    internal sealed record Response(
        bool Redirect,
        string Token,
        [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] string? Url,
        SessionPrincipal User);

    /// <summary>Why not: what the caller is told, and the reason that the log keeps.</summary>
    internal sealed record Denial(Refusal Refusal, string Reason);

    internal static readonly Refusal InvalidEmail = Refusal.BadRequest("INVALID_EMAIL");

    internal static readonly Refusal WrongCredentials = Refusal.Unauthorized("INVALID_EMAIL_OR_PASSWORD", "Invalid email or password");

    internal static readonly Refusal NotVerified = Refusal.Forbidden("EMAIL_NOT_VERIFIED");

    internal sealed class Endpoint(PublicAddress address, SecondFactorCookies factor) : ICarterModule
    {
        public void AddRoutes(IEndpointRouteBuilder app) => app.MapAuthPost(
            "/sign-in/email",
            new AuthPost { AcceptsForm = true, ChecksForm = true },
            async (Request request, HttpContext context, Caller caller, IMediator mediator, CancellationToken ct) =>
            {
                if (!WireBody.IsEmail(request.Email))
                    return InvalidEmail.ToHttp();
                var outcome = await mediator.Send(
                    new Command(request.Email.ToLowerInvariant(), request.Password, request.RememberMe ?? true, factor.ReadDevice(context)), ct);
                // Whoever knows the password may have the mail again; nobody else learns of it.
                if (outcome.Refusal == NotVerified)
                    await mediator.Send(new AskVerification(LinkWish.Of(request.Email, request.CallbackUrl, context, address, caller)), ct);
                return outcome.ToHttp(signIn => factor.Answer(context, signIn, signedIn =>
                {
                    var redirects = !string.IsNullOrEmpty(request.CallbackUrl);
                    if (redirects)
                        context.Response.Headers.Location = WireJson.Location(request.CallbackUrl!);
                    return WireJson.Ok(new Response(redirects, signedIn.Session.Token, request.CallbackUrl, signedIn.User));
                }));
            });
    }

    internal sealed class Handler(Credentials credentials, SignInRecord record, SecondFactor factor, IOptions<AuthOptions> options)
        : IRequestHandler<Command, Outcome<PasswordEntry>>
    {
        public async Task<Outcome<PasswordEntry>> Handle(Command command, CancellationToken ct)
        {
            var check = await credentials.Check(command.Email, command.Password, ct);
            if (check.Refusal is { } busy)
                return busy;
            var attempt = check.Answer;
            var now = record.Now;
            if (Decide(attempt, options.Value.RequireEmailVerification, now) is { } denial)
            {
                record.Failed(attempt.User, command.Email, denial.Reason);
                return denial.Refusal;
            }

            credentials.Hold(attempt.Account!);
            if (attempt.Match.IsOutdated)
                await credentials.Renew(attempt.Account!, command.Password, now, ct);
            var user = await record.LiftExpiredBan(attempt.User!, ct);
            return await factor.Admit(user, command.Remember, command.Device, ct);
        }
    }

    /// <summary>Only the right password learns of a ban or of a missing verification.</summary>
    internal static Denial? Decide(Attempt attempt, bool requireVerification, DateTimeOffset now) => attempt switch
    {
        { User: null } => new Denial(WrongCredentials, "unknown_address"),
        { Account.Password: null } or { Account: null } => new Denial(WrongCredentials, "no_password"),
        { Match.IsRight: false } => new Denial(WrongCredentials, "wrong_password"),
        { User.EmailVerified: false } when requireVerification => new Denial(NotVerified, "email_not_verified"),
        { User: var user } when user.IsBanned(now) => new Denial(Admission.Banned, "banned"),
        _ => null,
    };
}

/// <summary>A sign-in that was refused.</summary>
/// <param name="UserId">Whose address it was; null: nobody's.</param>
/// <param name="AddressHash">A keyed hash of an address that is nobody's.</param>
internal sealed record SignInFailed(string? UserId, string? AddressHash, string Reason, DateTimeOffset At);
