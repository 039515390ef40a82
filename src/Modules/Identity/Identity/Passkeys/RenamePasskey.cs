using MediatR;
using Microsoft.AspNetCore.Routing;
using Modular.Kernel;
using Modular.Store;

namespace Modular.Identity;

/// <summary>A user gives a passkey of theirs another name: <c>POST /api/auth/passkey/update-passkey</c>.</summary>
internal static class RenamePasskey
{
    internal sealed record Request(string Id, string Name) : IWireInput<Request>
    {
        public static Request Read(WireBody body)
        {
            var (id, name) = (body.RequiredString("id"), body.RequiredString("name").Trim());
            if (name.Length == 0 && body.Member("name") is { ValueKind: System.Text.Json.JsonValueKind.String })
                body.Fail("name", "Too small: expected string to have >=1 characters");
            UserLimits.Check(body, name, null);
            return new Request(id, name);
        }
    }

    internal sealed record Command(string UserId, string Id, string Name) : IRequest<Outcome<WirePasskey>>, IIdempotent;

    internal sealed class Endpoint : ICarterModule
    {
        public void AddRoutes(IEndpointRouteBuilder app) => app
            .MapAuthPost("/passkey/update-passkey", async (Request request, Caller caller, IMediator mediator, CancellationToken ct) =>
            {
                var outcome = await mediator.Send(new Command(caller.UserId!, request.Id, request.Name), ct);
                return outcome.ToHttp(passkey => WireJson.Ok(new { Passkey = passkey }));
            })
            .RequireSession()
            .PartOf(AuthGroup.Passkey);
    }

    internal sealed class Handler(IDocumentSession store, PasskeyRecord record) : IRequestHandler<Command, Outcome<WirePasskey>>
    {
        public async Task<Outcome<WirePasskey>> Handle(Command command, CancellationToken ct)
        {
            Refusal Refuse(string reason, Refusal refusal) =>
                record.Refused(new PasskeyRefused(command.UserId, null, "rename", reason, record.Now), refusal);
            if (await store.LoadRevisionAsync<Passkey>(command.Id, ct) is not { Document: var passkey, Number: var revision })
                return Refuse("unknown_passkey", PasskeyRefusals.NotFound);
            if (passkey.UserId != command.UserId)
                return Refuse("passkey_of_another_user", PasskeyRefusals.NotYours);
            if (Decide(passkey, command.Name, record.Now) is not { } renamed)
                return WirePasskey.Of(passkey);

            var named = passkey with { Name = renamed.Name };
            store.UpdateRevision(named, revision);
            store.Events.Append(Passkey.StreamOf(passkey.Id), renamed);
            return WirePasskey.Of(named);
        }
    }

    /// <summary>Null: that is its name already.</summary>
    internal static PasskeyRenamed? Decide(Passkey passkey, string name, DateTimeOffset now) =>
        passkey.Name == name ? null : new PasskeyRenamed(passkey.UserId, passkey.Id, name, now);
}
