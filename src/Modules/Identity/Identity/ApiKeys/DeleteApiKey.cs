using MediatR;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Modular.Kernel;
using Modular.Store;

namespace Modular.Identity;

/// <summary>A user ends one of their keys: <c>POST /api/auth/api-key/delete</c>.</summary>
internal static class DeleteApiKey
{
    internal sealed record Request(string? ConfigId, string KeyId) : IWireInput<Request>
    {
        public static Request Read(WireBody body) => new(body.OptionalString("configId"), body.RequiredString("keyId"));
    }

    internal sealed record Command(string UserId, string KeyId) : IRequest<Outcome>, IIdempotent;

    internal sealed class Endpoint : ICarterModule
    {
        public void AddRoutes(IEndpointRouteBuilder app) => app
            .MapAuthPost("/api-key/delete", async (Request request, HttpContext context, IMediator mediator, CancellationToken ct) =>
            {
                if (await SignedInExtensions.Identify(context) is not { KeyId: null } session)
                    return Refusal.Unauthorized().ToHttp();
                var outcome = await mediator.Send(new Command(session.UserId, request.KeyId), ct);
                return outcome.ToHttp(() => WireJson.Ok(new { Success = true }));
            })
            .ProducesProblem(StatusCodes.Status401Unauthorized)
            .WithName(nameof(DeleteApiKey))
            .PartOf(AuthGroup.ApiKey);
    }

    internal sealed class Handler(OwnApiKey own, IDocumentSession store, TimeProvider clock) : IRequestHandler<Command, Outcome>
    {
        public async Task<Outcome> Handle(Command command, CancellationToken ct)
        {
            var found = await own.FindForWriting(command.UserId, command.KeyId, "delete", ct);
            if (found.Refusal is { } refusal)
                return refusal;
            found.Answer.AppendOne(new ApiKeyDeleted(command.KeyId, command.UserId, "self", User.Now(clock)));
            store.QueueSqlCommand("delete from identity.api_key_use where id = ?", command.KeyId);
            return Outcome.Done;
        }
    }
}
