using MediatR;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Modular.Kernel;
using Modular.Store;

namespace Modular.Identity;

/// <summary>
/// A user does away with a passkey of theirs: <c>POST /api/auth/passkey/delete-passkey</c>. Also with the last way to sign
/// in, as upstream: who is signed in may have lost the device, and a mail resets the password.
/// </summary>
internal static class RemovePasskey
{
    internal sealed record Request(string Id) : IWireInput<Request>
    {
        public static Request Read(WireBody body) => new(body.RequiredString("id"));
    }

    internal sealed record Command(string UserId, string Id, string BaseUrl) : IRequest<Outcome>, IIdempotent;

    internal static readonly Refusal NotYours = Refusal.Unauthorized().WithoutBody();

    internal sealed class Endpoint(PublicAddress address) : ICarterModule
    {
        public void AddRoutes(IEndpointRouteBuilder app) => app
            .MapAuthPost("/passkey/delete-passkey", async (
                Request request, HttpContext context, Caller caller, IMediator mediator, CancellationToken ct) =>
            {
                var outcome = await mediator.Send(new Command(caller.UserId!, request.Id, address.For(context).ToString()), ct);
                return outcome.ToHttp(() => WireJson.Ok(new { Status = true }));
            })
            .RequireSession()
            .PartOf(AuthGroup.Passkey);
    }

    internal sealed class Handler(IDocumentSession store, PasskeyRecord record) : IRequestHandler<Command, Outcome>
    {
        public async Task<Outcome> Handle(Command command, CancellationToken ct)
        {
            Refusal Refuse(string reason, Refusal refusal) =>
                record.Refused(new PasskeyRefused(command.UserId, null, "remove", reason, record.Now), refusal);
            if (await store.LoadAsync<Passkey>(command.Id, ct) is not { } passkey)
                return Refuse("unknown_passkey", PasskeyRefusals.NotFound);
            if (passkey.UserId != command.UserId)
                return Refuse("passkey_of_another_user", NotYours);

            // Deleted since the session was checked.
            if (await store.LoadAsync<User>(command.UserId, ct) is not { } user)
                return Refusal.Unauthorized();

            // Once, however often it is asked for at the same moment.
            store.QueueSqlCommand(1, "delete from identity.mt_doc_passkey where id = ?", passkey.Id);
            await record.Removed(passkey, user, command.BaseUrl);
            return Outcome.Done;
        }
    }
}
