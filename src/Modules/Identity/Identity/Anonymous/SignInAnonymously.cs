using MediatR;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.Options;
using Modular.Identity.Contracts;
using Modular.Kernel;
using Modular.Messaging;
using Modular.Store;

namespace Modular.Identity;

/// <summary>Somebody who does not say who they are gets a user of their own: <c>POST /api/auth/sign-in/anonymous</c>.</summary>
internal static class SignInAnonymously
{
    internal sealed record Command(string? CallerId) : IRequest<Outcome<SignedInUser>>;

    internal sealed record Response(string Token, SessionPrincipal User);

    internal static readonly Refusal Again = Refusal.BadRequest(
        "ANONYMOUS_USERS_CANNOT_SIGN_IN_AGAIN_ANONYMOUSLY", "Anonymous users cannot sign in again anonymously");

    internal sealed class Endpoint : ICarterModule
    {
        public void AddRoutes(IEndpointRouteBuilder app) => app
            .MapAuthPost("/sign-in/anonymous", new AuthPost { BodyOptional = true, ChecksForm = true }, async (
                HttpContext context, IMediator mediator, SessionCookies cookies, CancellationToken ct) =>
            {
                var session = await SignedInExtensions.Identify(context);
                var outcome = await mediator.Send(new Command(session?.UserId), ct);
                return outcome.ToHttp(signedIn =>
                {
                    cookies.Start(context, signedIn.Session.Token, signedIn.Session.CookieLifetime);
                    return WireJson.Ok(new Response(signedIn.Session.Token, signedIn.User));
                });
            })
            .WithName(nameof(SignInAnonymously))
            .PartOf(AuthGroup.Anonymous);
    }

    internal sealed class Handler(IDocumentSession store, Registration registration, Admission admission, IMessageBus bus, IOptions<AuthOptions> options)
        : IRequestHandler<Command, Outcome<SignedInUser>>
    {
        public async Task<Outcome<SignedInUser>> Handle(Command command, CancellationToken ct)
        {
            if (command.CallerId is { } id && await store.LoadAsync<User>(id, ct) is { IsAnonymous: true })
                return Again;
            var person = new NewUser("Anonymous", AnonymousAddress.Of(registration.NewId()), IsAnonymous: true);
            var user = await registration.Register(person, account: null);
            // No session lives longer, and there is no other way back in.
            await bus.ScheduleAsync(new AnonymousUserStale(user.Id), user.CreatedAt + options.Value.SessionMaxLifetime);
            return new SignedInUser(await admission.Admit(user, remember: true, "anonymous", ct), user.ToPrincipal());
        }
    }
}

/// <summary>
/// The address of somebody who has none. In a domain that can belong to nobody (RFC 2606): a mail to it could never reach a
/// stranger, and none is sent.
/// </summary>
internal static class AnonymousAddress
{
    private const string Domain = ".anonymous.invalid";

    public static string Of(string id) => $"temp@{id}{Domain}";

    public static bool Is(string email) => email.EndsWith(Domain, StringComparison.Ordinal);
}
