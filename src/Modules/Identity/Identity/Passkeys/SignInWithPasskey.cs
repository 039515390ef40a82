using System.Text.Json;
using MediatR;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Modular.Identity.Contracts;
using Modular.Kernel;
using Modular.Sessions.Contracts;
using Modular.Store;

namespace Modular.Identity;

/// <summary>Somebody signs in with a passkey: <c>POST /api/auth/passkey/verify-authentication</c>.</summary>
internal static class SignInWithPasskey
{
    internal sealed record Request(JsonElement Response) : IWireInput<Request>
    {
        public static Request Read(WireBody body) => new(PasskeyResponse.Read(body, isRequired: true));
    }

    /// <param name="Challenge">As the browser's cookie names it.</param>
    internal sealed record Command(string? Challenge, JsonElement Response, bool Remember, PasskeyParty Party)
        : IRequest<Outcome<SignedInUser>>, IIdempotent;

    internal sealed record Response(WireSession Session, SessionPrincipal User);

    internal static readonly Refusal Unknown = Refusal.Unauthorized("PASSKEY_NOT_FOUND", "Passkey not found");

    internal static readonly Refusal NotVerified = Refusal.BadRequest("AUTHENTICATION_FAILED", "Authentication failed");

    internal sealed class Endpoint(SignedCookies signed, SessionCookies cookies) : ICarterModule
    {
        public void AddRoutes(IEndpointRouteBuilder app) => app
            .MapAuthPost("/passkey/verify-authentication", async (
                Request request, HttpContext context, RelyingParty party, IMediator mediator, CancellationToken ct) =>
            {
                var outcome = await mediator.Send(
                    new Command(
                        PasskeyChallenges.Read(signed, context), request.Response, !cookies.IsNotRemembered(context), party.PartyFor(context)),
                    ct);
                return outcome.ToHttp(signedIn =>
                {
                    cookies.Start(context, signedIn.Session.Token, signedIn.Session.CookieLifetime);
                    return WireJson.Ok(new Response(signedIn.Session.View, signedIn.User));
                });
            })
            .PartOf(AuthGroup.Passkey);
    }

    internal sealed class Handler(
        IDocumentSession store, PasskeyStore passkeys, PasskeyChallenges challenges, RelyingParty party, PasskeyRecord record, Admission admission)
        : IRequestHandler<Command, Outcome<SignedInUser>>
    {
        public async Task<Outcome<SignedInUser>> Handle(Command command, CancellationToken ct)
        {
            // Before the challenge: whoever brings one answer twice at once finds it used, or the counter as it was. The other
            // way round the second would look like a copy.
            var known = PasskeyResponse.CredentialId(command.Response) is { } id ? await passkeys.Find(id, ct) : null;
            if (await challenges.Take(PasskeyChallenge.SignInPurpose, command.Challenge, ct) is not { } challenge)
                return PasskeyChallenges.NotFound;

            // An anonymous user who has turned out to be somebody is over.
            if (known is not { } passkey || await store.LoadAsync<User>(passkey.UserId, ct) is not { LinkedTo: null } user)
                return Unknown;
            var key = await party.Assert(command.Party, command.Response, challenge.State);
            if (Decide(passkey, key) is { } reason)
                return record.Refused(new PasskeyRefused(user.Id, passkey.Id, "sign_in", reason, record.Now), NotVerified);

            Keep(passkey, key!);
            record.Used(passkey, key!.Counter);
            return await admission.Enter(user, command.Remember, "passkey", ct);
        }

        // If it still is as it was when the counters were compared: of two answers with one count one is a copy's. The new
        // version is what the removal of the user, or of the passkey, meanwhile stumbles over.
        private void Keep(Passkey passkey, AssertedKey key) => store.QueueSqlCommand(
            1,
            """
            update identity.mt_doc_passkey
            set counter = ?, data = data || jsonb_build_object('counter', ?::bigint, 'backedUp', ?::boolean), mt_version = mt_version + 1
            where id = ? and counter = ?
            """,
            key.Counter, key.Counter, key.BackedUp, passkey.Id, passkey.Counter);
    }

    /// <summary>
    /// Why not. A counter that is not ahead of what it was tells that two authenticators have the key, one of them a copy;
    /// one that stays 0 is of an authenticator that does not count (WebAuthn §6.1.1).
    /// </summary>
    internal static string? Decide(Passkey passkey, AssertedKey? key) => key switch
    {
        null => "not_verified",
        { Counter: 0 } when passkey.Counter == 0 => null,
        { Counter: var counter } when counter <= passkey.Counter => "counter_went_back",
        _ => null,
    };
}
