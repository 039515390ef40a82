using System.Text.Json.Serialization;
using MediatR;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Modular.Identity.Contracts;
using Modular.Kernel;

namespace Modular.Identity;

/// <summary>A user signs in with username and password: <c>POST /api/auth/sign-in/username</c>.</summary>
internal static class SignInWithUsername
{
    internal sealed record Request(string Username, string Password, string? CallbackUrl, bool? RememberMe) : IWireInput<Request>
    {
        public static Request Read(WireBody body) => new(
            body.RequiredString("username"), body.RequiredString("password"), body.OptionalString("callbackURL"), body.OptionalBool("rememberMe"));
    }

    /// <param name="Key">The username in lower case.</param>
    internal sealed record Command(string Key, string Password, bool Remember) : IRequest<Outcome<SignedInUser>>, IIdempotent;

    internal sealed record Response(
        bool Redirect,
        string Token,
        [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] string? Url,
        SessionPrincipal User);

    internal static readonly Refusal WrongCredentials = Refusal.Unauthorized("INVALID_USERNAME_OR_PASSWORD", "Invalid username or password");

    internal sealed class Endpoint : ICarterModule
    {
        public void AddRoutes(IEndpointRouteBuilder app) => app
            .MapAuthPost("/sign-in/username", new AuthPost { ChecksForm = true }, async (
                Request request, HttpContext context, IMediator mediator, SessionCookies cookies, CancellationToken ct) =>
            {
                if (Forbids(request) is { } forbidden)
                    return forbidden.ToHttp();
                var outcome = await mediator.Send(
                    new Command(request.Username.ToLowerInvariant(), request.Password, request.RememberMe ?? true), ct);
                return outcome.ToHttp(signedIn =>
                {
                    cookies.Start(context, signedIn.Session.Token, signedIn.Session.CookieLifetime);
                    var redirects = !string.IsNullOrEmpty(request.CallbackUrl);
                    if (redirects)
                        context.Response.Headers.Location = WireJson.Location(request.CallbackUrl!);
                    return WireJson.Ok(new Response(redirects, signedIn.Session.Token, request.CallbackUrl, signedIn.User));
                });
            })
            .WithName(nameof(SignInWithUsername))
            .PartOf(AuthGroup.Username);
    }

    internal sealed class Handler(UsernameHolders holders, PasswordSignIn signIn) : IRequestHandler<Command, Outcome<SignedInUser>>
    {
        // An unknown username is counted and compared like an address that nobody has.
        public async Task<Outcome<SignedInUser>> Handle(Command command, CancellationToken ct) => await signIn.Enter(
            (await holders.Find(command.Key, ct))?.Email ?? $"username:{command.Key}", command.Password, command.Remember, WrongCredentials, ct);
    }

    /// <summary>What can be no username is 422 here (contract §7.7).</summary>
    internal static Refusal? Forbids(Request request) => request switch
    {
        { Username: "" } or { Password: "" } => WrongCredentials,
        _ => Username.RefuseName(request.Username) is { } refusal ? refusal with { Status = StatusCodes.Status422UnprocessableEntity } : null,
    };
}
