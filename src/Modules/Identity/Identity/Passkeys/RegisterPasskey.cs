using System.Text.Json;
using MediatR;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Modular.Kernel;
using Modular.Sessions.Contracts;
using Modular.Store;

namespace Modular.Identity;

/// <summary>
/// A user's browser brings the passkey it made: <c>POST /api/auth/passkey/verify-registration</c>, within a day of signing
/// in. With <c>createSession</c> they are signed in once more.
/// </summary>
internal static class RegisterPasskey
{
    internal sealed record Request(JsonElement Response, string? Name, bool? CreateSession) : IWireInput<Request>
    {
        public static Request Read(WireBody body)
        {
            var response = PasskeyResponse.Read(body, isRequired: false);
            var name = body.OptionalString("name")?.Trim();
            UserLimits.Check(body, name, null);
            return new Request(response, string.IsNullOrEmpty(name) ? null : name, body.OptionalBool("createSession"));
        }
    }

    /// <param name="MayRegister">Whether the session is the user's own and young enough.</param>
    /// <param name="Challenge">As the browser's cookie names it.</param>
    /// <param name="Remember">Of the new session; null: none is wanted.</param>
    internal sealed record Command(
        string UserId, string SessionId, bool MayRegister, string? Challenge, JsonElement Response, string? Name, bool? Remember, PasskeyParty Party)
        : IRequest<Outcome<Registered>>, IIdempotent;

    internal sealed record Registered(WirePasskey Passkey, SignedInUser? SignedIn);

    internal static readonly Refusal NotVerified = Refusal.BadRequest("FAILED_TO_VERIFY_REGISTRATION", "Failed to verify registration");

    internal static readonly Refusal Known = Refusal.BadRequest("PREVIOUSLY_REGISTERED", "Previously registered");

    internal static readonly Refusal TooMany = Refusal.BadRequest(
        "PASSKEY_LIMIT_REACHED", $"You have {Passkey.MostPerUser} passkeys already. Delete one that you do not use any more.");

    internal sealed class Endpoint(SignedCookies signed, SessionCookies cookies) : ICarterModule
    {
        public void AddRoutes(IEndpointRouteBuilder app) => app
            .MapAuthPost("/passkey/verify-registration", async (
                Request request, HttpContext context, RelyingParty party, IMediator mediator, TimeProvider clock, CancellationToken ct) =>
            {
                var session = (await SignedInExtensions.Identify(context))!;
                var outcome = await mediator.Send(
                    new Command(
                        session.UserId, session.SessionId, Passkey.MayBeAddedBy(session, clock.GetUtcNow()), PasskeyChallenges.Read(signed, context), request.Response, request.Name,
                        request.CreateSession == true ? !cookies.IsNotRemembered(context) : null, party.PartyFor(context)),
                    ct);
                return outcome.ToHttp(registered =>
                {
                    if (registered.SignedIn is not { } signedIn)
                        return WireJson.Ok(registered.Passkey);
                    cookies.Start(context, signedIn.Session.Token, signedIn.Session.CookieLifetime);
                    var answer = JsonSerializer.SerializeToNode(registered.Passkey, WireJson.Options)!;
                    answer["session"] = JsonSerializer.SerializeToNode(signedIn.Session.View, WireJson.Options);
                    answer["user"] = JsonSerializer.SerializeToNode(signedIn.User, WireJson.Options);
                    return WireJson.Ok(answer);
                });
            })
            .RequireSession()
            .PartOf(AuthGroup.Passkey);
    }

    internal sealed class Handler(
        IDocumentSession store, PasskeyStore passkeys, PasskeyChallenges challenges, RelyingParty party, PasskeyRecord record, Admission admission,
        IMediator mediator)
        : IRequestHandler<Command, Outcome<Registered>>
    {
        public async Task<Outcome<Registered>> Handle(Command command, CancellationToken ct)
        {
            Refusal Refuse(string reason, Refusal refusal) => record.Refused(Event(command, reason), refusal);
            if (!command.MayRegister)
                return Refuse("session_not_fresh", PasskeyRefusals.NotFresh);
            // Before the challenge, as in SignInWithPasskey; the key that is attested has this id.
            var isKnown = PasskeyResponse.CredentialId(command.Response) is { } id && await passkeys.Find(id, ct) is not null;
            if (await challenges.Take(PasskeyChallenge.RegistrationPurpose, command.Challenge, ct) is not { } challenge)
                return PasskeyChallenges.NotFound;
            if (challenge.UserId != command.UserId)
                return Refuse("challenge_of_another_user", PasskeyRefusals.NotYours);

            // Deleted, or signed out, since the session was checked: until the commit it has to live.
            if (await store.LoadAsync<User>(command.UserId, ct) is not { } user
                || !await mediator.Send(new HoldSession(command.SessionId, user.Id), ct))
                return Refusal.Unauthorized();
            if (await party.Attest(command.Party, command.Response, challenge.State) is not { } key)
                return Refuse("not_verified", NotVerified);
            if (isKnown)
                return Refuse("already_registered", Known);
            if ((await passkeys.OfUser(user.Id, ct)).Count >= Passkey.MostPerUser)
                return Refuse("too_many_passkeys", TooMany);

            record.ExpectTaken(Event(command, "already_registered"), Known);
            var passkey = Decide(user.Id, command.Name, key, record.Now);
            record.Add(passkey);
            await record.Added(passkey, user, command.Party.Origin);
            var entered = command.Remember is { } remember ? await admission.Enter(user, remember, "passkey", ct) : default(Outcome<SignedInUser>?);
            return entered is { Refusal: { } refusal } ? refusal : new Registered(WirePasskey.Of(passkey), entered?.Answer);
        }

        private PasskeyRefused Event(Command command, string reason) => new(command.UserId, null, "register", reason, record.Now);
    }

    internal static Passkey Decide(string userId, string? name, AttestedKey key, DateTimeOffset now) => new(
        Guid.CreateVersion7(now).ToString("N"), userId, name, key.CredentialId, key.PublicKey, key.Counter, key.IsSynced, key.BackedUp,
        string.Join(',', key.Transports), key.Aaguid, now);
}
