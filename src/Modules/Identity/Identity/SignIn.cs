using System.Text.Json.Serialization;
using MediatR;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
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
    internal sealed record Command(string Email, string Password, bool Remember) : IRequest<Outcome<SignedInUser>>, IIdempotent;

    internal sealed record Response(
        bool Redirect,
        string Token,
        [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] string? Url,
        SessionPrincipal User);

    internal static readonly Refusal InvalidEmail = Refusal.BadRequest("INVALID_EMAIL");

    internal static readonly Refusal WrongCredentials = Refusal.Unauthorized("INVALID_EMAIL_OR_PASSWORD", "Invalid email or password");

    internal sealed class Endpoint(PublicAddress address) : ICarterModule
    {
        public void AddRoutes(IEndpointRouteBuilder app) => app.MapAuthPost(
            "/sign-in/email",
            new AuthPost { AcceptsForm = true, ChecksForm = true },
            async (Request request, HttpContext context, Caller caller, IMediator mediator, SessionCookies cookies, CancellationToken ct) =>
            {
                if (!WireBody.IsEmail(request.Email))
                    return InvalidEmail.ToHttp();
                var outcome = await mediator.Send(
                    new Command(request.Email.ToLowerInvariant(), request.Password, request.RememberMe ?? true), ct);
                // Whoever knows the password may have the mail again; nobody else learns of it.
                if (outcome.Refusal == PasswordSignIn.NotVerified)
                    await mediator.Send(new AskVerification(LinkWish.Of(request.Email, request.CallbackUrl, context, address, caller)), ct);
                return outcome.ToHttp(signedIn =>
                {
                    cookies.Start(context, signedIn.Session.Token, signedIn.Session.CookieLifetime);
                    var redirects = !string.IsNullOrEmpty(request.CallbackUrl);
                    if (redirects)
                        context.Response.Headers.Location = WireJson.Location(request.CallbackUrl!);
                    return WireJson.Ok(new Response(redirects, signedIn.Session.Token, request.CallbackUrl, signedIn.User));
                });
            });
    }

    internal sealed class Handler(PasswordSignIn signIn) : IRequestHandler<Command, Outcome<SignedInUser>>
    {
        public Task<Outcome<SignedInUser>> Handle(Command command, CancellationToken ct) =>
            signIn.Enter(command.Email, command.Password, command.Remember, WrongCredentials, ct);
    }
}

/// <summary>A sign-in that was refused.</summary>
/// <param name="UserId">Whose address it was; null: nobody's.</param>
/// <param name="AddressHash">A keyed hash of an address that is nobody's.</param>
internal sealed record SignInFailed(string? UserId, string? AddressHash, string Reason, DateTimeOffset At);
