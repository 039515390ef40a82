using MediatR;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Modular.Audit.Contracts;
using Modular.Kernel;

namespace Modular.Audit;

/// <summary>Auditors read by which keys checkpoints are checked: <c>GET /api/audit/log/keys</c>.</summary>
internal static class ReadLogKeys
{
    internal sealed class Endpoint(LogAccess access) : ICarterModule
    {
        public void AddRoutes(IEndpointRouteBuilder app) => access.Guard(app
            .MapGet("/api/audit/log/keys", async (HttpContext context, IMediator mediator, CancellationToken ct) =>
            {
                context.Response.Headers.CacheControl = "no-cache";
                return WireJson.Ok(await mediator.Send(new Contracts.ReadLogKeys(), ct));
            }))
            .WithName(nameof(ReadLogKeys))
            .Produces<KnownLogKeys>();
    }

    internal sealed class Handler(LogKeys keys) : IRequestHandler<Contracts.ReadLogKeys, KnownLogKeys>
    {
        public async Task<KnownLogKeys> Handle(Contracts.ReadLogKeys request, CancellationToken cancellationToken)
        {
            var identity = await keys.Identity(cancellationToken);
            return new KnownLogKeys(
                identity.Origin,
                [.. identity.Keys.Select(key => new KnownLogKey(key.Number, key.Verifier.ToString(), key.Made, key.Sealed is not null))]);
        }
    }
}
