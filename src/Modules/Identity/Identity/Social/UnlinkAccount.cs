using MediatR;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Modular.Kernel;
using Modular.Store;

namespace Modular.Identity;

/// <summary>A user gives up one of several ways to sign in: <c>POST /api/auth/unlink-account</c>, within a day of signing in.</summary>
internal static class UnlinkAccount
{
    internal sealed record Request(string AccountId) : IWireInput<Request>
    {
        public static Request Read(WireBody body) => new(body.RequiredString("accountId"));
    }

    /// <param name="IsFresh">Whether the session is young enough.</param>
    internal sealed record Command(string UserId, string AccountId, bool IsFresh) : IRequest<Outcome>, IIdempotent;

    internal static readonly Refusal NotFresh = Refusal.Forbidden("SESSION_NOT_FRESH", "Session is not fresh");

    internal static readonly Refusal LastOne = Refusal.BadRequest("FAILED_TO_UNLINK_LAST_ACCOUNT", "You can't unlink your last account");

    internal sealed class Endpoint : ICarterModule
    {
        public void AddRoutes(IEndpointRouteBuilder app) => app
            .MapAuthPost("/unlink-account", async (
                Request request, HttpContext context, IMediator mediator, TimeProvider clock, CancellationToken ct) =>
            {
                // Checked already, so this asks nobody.
                var session = (await SignedInExtensions.Identify(context))!;
                var outcome = await mediator.Send(new Command(session.UserId, request.AccountId, session.IsFresh(clock.GetUtcNow())), ct);
                return outcome.ToHttp(() => WireJson.Ok(new { Status = true }));
            })
            .RequireSession();
    }

    internal sealed class Handler(IDocumentSession store, Refusals refusals, TimeProvider clock) : IRequestHandler<Command, Outcome>
    {
        public async Task<Outcome> Handle(Command command, CancellationToken ct)
        {
            var now = User.Now(clock);
            var accounts = await store.QueryAsync<Account>("where d.user_id = ?", ct, command.UserId);
            var account = accounts.SingleOrDefault(account => account.Id == command.AccountId);
            if (Decide(accounts.Count, account, command.IsFresh) is { } refusal)
            {
                refusals.Record(
                    $"linking:{command.UserId}",
                    new AccountChangeRefused(command.UserId, account?.ProviderId, "unlink", refusal.Code.ToLowerInvariant(), now));
                return refusal;
            }

            // Counted again at the commit, one change of a user after the other: two that give up one account each must not
            // leave none. The loser starts again and finds that it is the last.
            store.QueueSqlCommand("select pg_advisory_xact_lock(hashtextextended('identity.accounts/' || ?::text, 0))", command.UserId);
            store.QueueSqlCommand(
                1,
                "delete from identity.mt_doc_account where id = ? and (select count(*) from identity.mt_doc_account where user_id = ?) > 1",
                account!.Id, command.UserId);
            store.Events.Append(Account.StreamOf(account.Id), new AccountUnlinked(command.UserId, account.Id, account.ProviderId, now));
            return Outcome.Done;
        }
    }

    /// <summary>In the contract's order: of somebody with one account even an unknown id is the last.</summary>
    internal static Refusal? Decide(int accounts, Account? account, bool isFresh) => account switch
    {
        _ when !isFresh => NotFresh,
        _ when accounts == 1 => LastOne,
        null => OwnAccounts.NotFound,
        _ => null,
    };
}
