using MediatR;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Modular.Kernel;

namespace Modular.Identity;

/// <summary>
/// An Auth.js application adds a passkey that it has checked to a user: <c>POST /api/adapter/create-authenticator</c>. It is a
/// passkey like all others.
/// </summary>
internal static class CreateAuthenticator
{
    // CTAP allows 1,023 bytes; a key is far shorter.
    private const int LongestId = 1_023, LongestKey = 8_192, LongestTransports = 300;

    internal sealed record Command(AuthJsAuthenticator Authenticator, string BaseUrl) : IRequest<Outcome<AuthJsAuthenticator>>, IIdempotent;

    internal static readonly Refusal Taken = Refusal.Conflict("authenticator_taken", "The authenticator is registered already");

    internal static readonly Refusal TooMany = Refusal.Conflict("too_many_authenticators", $"The user has {Passkey.MostPerUser} authenticators already");

    internal sealed class Endpoint(PublicAddress address) : ICarterModule
    {
        public void AddRoutes(IEndpointRouteBuilder app) => app
            .MapAdapter("/create-authenticator", async (AuthJsAuthenticator authenticator, HttpContext context, IMediator mediator, CancellationToken ct) =>
            {
                if (Forbids(authenticator) is { } invalid)
                    return invalid.ToHttp();
                var outcome = await mediator.Send(new Command(authenticator, address.For(context).ToString()), ct);
                return outcome.ToHttp(AdapterRoutes.Answer);
            })
            .WithName(nameof(CreateAuthenticator));
    }

    internal sealed class Handler(AdapterUsers users, PasskeyStore passkeys, PasskeyRecord record, Registration registration, Caller caller)
        : IRequestHandler<Command, Outcome<AuthJsAuthenticator>>
    {
        public async Task<Outcome<AuthJsAuthenticator>> Handle(Command command, CancellationToken ct)
        {
            if (await users.Find(command.Authenticator.UserId, ct) is not { } user)
                return AdapterRefusals.UserNotFound;
            caller.UserId = user.Id;
            PasskeyRefused Event(string reason) => new(user.Id, null, "register", reason, record.Now);
            var passkey = command.Authenticator.ToPasskey(registration.NewId(), record.Now);
            if (await passkeys.Find(passkey.CredentialId, ct) is not null)
                return record.Refused(Event("already_registered"), Taken);
            if ((await passkeys.OfUser(user.Id, ct)).Count >= Passkey.MostPerUser)
                return record.Refused(Event("too_many_passkeys"), TooMany);
            record.ExpectTaken(Event("already_registered"), Taken);
            record.Add(passkey);
            await record.Added(passkey, user, command.BaseUrl);
            return AuthJsAuthenticator.Of(passkey);
        }
    }

    internal static Refusal? Forbids(AuthJsAuthenticator given)
    {
        List<FieldError> errors = [];
        if (AuthJsAuthenticator.Bytes(given.CredentialID) is not { Length: > 0 and <= LongestId })
            errors.Add(new("credentialID", "This must be base64 of at most 1,023 bytes"));
        if (AuthJsAuthenticator.Bytes(given.CredentialPublicKey) is not { Length: > 0 and <= LongestKey })
            errors.Add(new("credentialPublicKey", "This must be base64"));
        if (given.Counter is < 0 or > uint.MaxValue)
            errors.Add(new("counter", "A counter has 32 bits"));
        if (given.CredentialDeviceType is not (AuthJsAuthenticator.SingleDevice or AuthJsAuthenticator.MultiDevice))
            errors.Add(new("credentialDeviceType", "One of singleDevice, multiDevice"));
        if (given.Transports is { Length: > LongestTransports })
            errors.Add(new("transports", "This is too long"));
        return errors.Count > 0 ? Refusal.Invalid(errors) : AdapterRefusals.OfTexts([given.UserId, given.Transports]);
    }
}
