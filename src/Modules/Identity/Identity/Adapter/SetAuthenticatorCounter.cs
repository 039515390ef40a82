using MediatR;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Routing;
using Modular.Kernel;
using Modular.Store;

namespace Modular.Identity;

/// <summary>
/// An Auth.js application says how often a passkey has signed: <c>POST /api/adapter/update-authenticator-counter</c>. Whether that
/// is more than before the application has judged.
/// </summary>
internal static class SetAuthenticatorCounter
{
    internal sealed record Request(string? CredentialID, long NewCounter);

    internal sealed record Command(string? CredentialId, long Counter) : IRequest<Outcome<AuthJsAuthenticator>>, IIdempotent;

    internal static readonly Refusal NotFound = Refusal.NotFound("authenticator_not_found", "There is no such authenticator");

    internal sealed class Endpoint : ICarterModule
    {
        public void AddRoutes(IEndpointRouteBuilder app) => app
            .MapAdapter("/update-authenticator-counter", async (Request request, IMediator mediator, CancellationToken ct) =>
            {
                if (request.NewCounter is < 0 or > uint.MaxValue)
                    return Refusal.Invalid(new FieldError("newCounter", "A counter has 32 bits")).ToHttp();
                var outcome = await mediator.Send(new Command(AuthJsAuthenticator.KeyOf(request.CredentialID), request.NewCounter), ct);
                return outcome.ToHttp(AdapterRoutes.Answer);
            })
            .WithName(nameof(SetAuthenticatorCounter));
    }

    internal sealed class Handler(IDocumentSession store, PasskeyStore passkeys, PasskeyRecord record, Caller caller)
        : IRequestHandler<Command, Outcome<AuthJsAuthenticator>>
    {
        public async Task<Outcome<AuthJsAuthenticator>> Handle(Command command, CancellationToken ct)
        {
            if (command.CredentialId is null || await passkeys.Find(command.CredentialId, ct) is not { } passkey)
                return NotFound;
            caller.UserId = passkey.UserId;
            store.QueueSqlCommand(
                1,
                "update identity.mt_doc_passkey set counter = ?, data = data || jsonb_build_object('counter', ?::bigint), mt_version = mt_version + 1 where id = ?",
                command.Counter, command.Counter, passkey.Id);
            record.Used(passkey, command.Counter);
            return AuthJsAuthenticator.Of(passkey with { Counter = command.Counter });
        }
    }
}
