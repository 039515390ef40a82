using MediatR;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Modular.Kernel;
using Modular.Store;

namespace Modular.Identity;

/// <summary>Somebody's browser asks what to sign: <c>GET /api/auth/passkey/generate-authenticate-options</c>.</summary>
internal static class StartPasskeySignIn
{
    /// <param name="UserId">Who is signed in already, and shows once more that it is them; null: nobody.</param>
    internal sealed record Command(string? UserId, PasskeyParty Party) : IRequest<Outcome<Started>>;

    /// <param name="Token">Names the challenge; for the browser's cookie.</param>
    internal sealed record Started(object Options, string Token);

    internal sealed class Endpoint(SignedCookies cookies) : ICarterModule
    {
        public void AddRoutes(IEndpointRouteBuilder app) => app
            .MapAuthGet("/passkey/generate-authenticate-options", async (
                HttpContext context, RelyingParty party, IMediator mediator, CancellationToken ct) =>
            {
                var session = await SignedInExtensions.Identify(context);
                var outcome = await mediator.Send(new Command(session?.UserId, party.PartyFor(context)), ct);
                return outcome.ToHttp(started =>
                {
                    PasskeyChallenges.Send(cookies, context, started.Token);
                    return WireJson.Ok(started.Options);
                });
            })
            .PartOf(AuthGroup.Passkey);
    }

    internal sealed class Handler(IDocumentSession store, RelyingParty party, PasskeyChallenges challenges)
        : IRequestHandler<Command, Outcome<Started>>
    {
        public async Task<Outcome<Started>> Handle(Command command, CancellationToken ct)
        {
            var user = command.UserId is { } id ? await store.LoadAsync<User>(id, ct) : null;
            var ceremony = await party.Request(command.Party, user);
            return new Started(
                ceremony.Options, challenges.Issue(PasskeyChallenge.SignInPurpose, new PasskeyChallenge(user?.Id, ceremony.State)));
        }
    }
}
