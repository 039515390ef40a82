using MediatR;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Modular.Kernel;
using Modular.Store;

namespace Modular.Identity;

/// <summary>
/// A user wants a passkey and their browser asks how to make it: <c>GET /api/auth/passkey/generate-register-options</c>,
/// within a day of signing in.
/// </summary>
internal static class StartPasskeyRegistration
{
    internal sealed record Request(string? AuthenticatorAttachment, string? Name, string? Context) : IWireInput<Request>
    {
        public static Request Read(WireBody query)
        {
            var attachment = query.OptionalOneOf("authenticatorAttachment", "platform", "cross-platform");
            var (name, context) = (query.OptionalString("name"), query.OptionalString("context"));
            UserLimits.Check(query, name, null);
            return new Request(attachment, name, context);
        }
    }

    /// <param name="MayRegister">Whether the session is the user's own and young enough.</param>
    internal sealed record Command(string UserId, bool MayRegister, string? Name, string? Attachment, PasskeyParty Party)
        : IRequest<Outcome<Started>>;

    /// <param name="Token">Names the challenge; for the browser's cookie.</param>
    internal sealed record Started(object Options, string Token);

    internal sealed class Endpoint(SignedCookies cookies) : ICarterModule
    {
        public void AddRoutes(IEndpointRouteBuilder app) => app
            .MapAuthGet("/passkey/generate-register-options", async (
                Request request, HttpContext context, RelyingParty party, IMediator mediator, TimeProvider clock, CancellationToken ct) =>
            {
                // Checked already, so this asks nobody.
                var session = (await SignedInExtensions.Identify(context))!;
                var outcome = await mediator.Send(
                    new Command(
                        session.UserId, Passkey.MayBeAddedBy(session, clock.GetUtcNow()), request.Name, request.AuthenticatorAttachment,
                        party.PartyFor(context)),
                    ct);
                return outcome.ToHttp(started =>
                {
                    PasskeyChallenges.Send(cookies, context, started.Token);
                    return WireJson.Ok(started.Options);
                });
            })
            .RequireSession()
            .PartOf(AuthGroup.Passkey);
    }

    internal sealed class Handler(IDocumentSession store, RelyingParty party, PasskeyChallenges challenges, PasskeyRecord record)
        : IRequestHandler<Command, Outcome<Started>>
    {
        public async Task<Outcome<Started>> Handle(Command command, CancellationToken ct)
        {
            if (!command.MayRegister)
                return record.Refused(new PasskeyRefused(command.UserId, null, "register", "session_not_fresh", record.Now), PasskeyRefusals.NotFresh);

            // Deleted since the session was checked.
            if (await store.LoadAsync<User>(command.UserId, ct) is not { } user)
                return Refusal.Unauthorized();
            var ceremony = await party.Create(command.Party, user, command.Name, command.Attachment);
            var token = challenges.Issue(PasskeyChallenge.RegistrationPurpose, new PasskeyChallenge(user.Id, ceremony.State));
            return new Started(ceremony.Options, token);
        }
    }
}
