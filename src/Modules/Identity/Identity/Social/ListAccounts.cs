using MediatR;
using Microsoft.AspNetCore.Routing;
using Modular.Kernel;
using Modular.Store;

namespace Modular.Identity;

/// <summary>A user sees the ways they can sign in: <c>GET /api/auth/list-accounts</c>.</summary>
internal static class ListAccounts
{
    internal sealed record Query(string UserId) : IRequest<Outcome<IReadOnlyList<Response>>>;

    /// <summary>Contract §6.15: never a token, a password, or <c>scope</c>.</summary>
    internal sealed record Response(
        string Id, string ProviderId, string Issuer, string AccountId, string UserId, IReadOnlyList<string> Scopes,
        DateTimeOffset CreatedAt, DateTimeOffset UpdatedAt);

    internal sealed class Endpoint : ICarterModule
    {
        public void AddRoutes(IEndpointRouteBuilder app) => app
            .MapAuthGet("/list-accounts", async (Caller caller, IMediator mediator, CancellationToken ct) =>
                (await mediator.Send(new Query(caller.UserId!), ct)).ToHttp(WireJson.Ok))
            .RequireSession();
    }

    internal sealed class Handler(IDocumentSession store) : IRequestHandler<Query, Outcome<IReadOnlyList<Response>>>
    {
        public async Task<Outcome<IReadOnlyList<Response>>> Handle(Query query, CancellationToken ct)
        {
            var accounts = await store.QueryAsync<Account>("where d.user_id = ? order by d.id", ct, query.UserId);
            return Outcome.Of<IReadOnlyList<Response>>([.. accounts.Select(account => new Response(
                account.Id, account.ProviderId, account.Issuer, account.AccountId, account.UserId, account.Scopes(),
                account.CreatedAt, account.UpdatedAt))]);
        }
    }
}
