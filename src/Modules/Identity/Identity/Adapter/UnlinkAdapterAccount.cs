using MediatR;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Routing;
using Modular.Kernel;
using Modular.Store;

namespace Modular.Identity;

/// <summary>
/// An Auth.js application takes an account elsewhere from its user: <c>POST /api/adapter/unlink-account</c>. Quiet where there is
/// none.
/// </summary>
internal static class UnlinkAdapterAccount
{
    internal sealed record Request(string? Provider, string? ProviderAccountId);

    internal sealed record Command(string? Provider, string? ProviderAccountId) : IRequest<Outcome>, IIdempotent;

    internal sealed class Endpoint : ICarterModule
    {
        public void AddRoutes(IEndpointRouteBuilder app) => app
            .MapAdapter("/unlink-account", async (Request request, IMediator mediator, CancellationToken ct) =>
            {
                var outcome = await mediator.Send(new Command(request.Provider, request.ProviderAccountId), ct);
                return outcome.ToHttp(() => AdapterRoutes.Answer(null));
            })
            .WithName(nameof(UnlinkAdapterAccount));
    }

    internal sealed class Handler(IDocumentSession store, AdapterUsers users, TimeProvider clock) : IRequestHandler<Command, Outcome>
    {
        public async Task<Outcome> Handle(Command command, CancellationToken ct)
        {
            if (await users.FindAccount(command.Provider, command.ProviderAccountId, ct) is not { } account)
                return Outcome.Done;
            store.QueueSqlCommand(1, "delete from identity.mt_doc_account where id = ?", account.Id);
            store.Events.Append(Account.StreamOf(account.Id), new AccountUnlinked(account.UserId, account.Id, account.ProviderId, User.Now(clock)));
            return Outcome.Done;
        }
    }
}
