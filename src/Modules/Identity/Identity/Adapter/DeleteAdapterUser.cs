using MediatR;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Modular.Kernel;

namespace Modular.Identity;

/// <summary>
/// An Auth.js application deletes a user with everything that is theirs: <c>POST /api/adapter/delete-user</c>. Quiet where there is
/// none.
/// </summary>
internal static class DeleteAdapterUser
{
    internal sealed record Request(string? Id);

    internal sealed record Command(string Id, string BaseUrl) : IRequest<Outcome>, IIdempotent;

    internal sealed class Endpoint(PublicAddress address) : ICarterModule
    {
        public void AddRoutes(IEndpointRouteBuilder app) => app
            .MapAdapter("/delete-user", async (Request request, HttpContext context, IMediator mediator, CancellationToken ct) =>
            {
                var outcome = request.Id is { } id && AdapterRoutes.IsStorable(id)
                    ? await mediator.Send(new Command(id, address.For(context).ToString()), ct)
                    : Outcome.Done;
                return outcome.ToHttp(() => AdapterRoutes.Answer(null));
            })
            .WithName(nameof(DeleteAdapterUser));
    }

    internal sealed class Handler(Removal removal, DeletionRecord record) : IRequestHandler<Command, Outcome>
    {
        public async Task<Outcome> Handle(Command command, CancellationToken ct)
        {
            if (await record.Spare(command.Id, ct) is { } refusal)
                return refusal;
            await removal.Remove(command.Id, "by_application", command.BaseUrl, ct);
            return Outcome.Done;
        }
    }
}
