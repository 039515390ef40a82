using MediatR;
using Modular.Kernel;
using Modular.Store;

namespace Modular.Identity;

/// <summary>The tokens that a provider gave for a refresh token are stored (<see cref="TokenRefresh"/>).</summary>
internal static class KeepRefreshedTokens
{
    /// <param name="Used">The account with the token that was used.</param>
    /// <param name="Fresh">What came for it.</param>
    internal sealed record Command(Account Used, ProviderTokens Fresh) : IRequest<Account?>, IIdempotent;

    internal sealed class Handler(IDocumentSession store, AccountTokens tokens, TimeProvider clock) : IRequestHandler<Command, Account?>
    {
        public async Task<Account?> Handle(Command command, CancellationToken ct)
        {
            if (await store.LoadRevisionAsync<Account>(command.Used.Id, ct) is not { } stored)
                return null;

            // A sign-in has brought a newer grant meanwhile: its tokens live longer than those of the old one.
            if (stored.Document.RefreshToken != command.Used.RefreshToken)
                return stored.Document;
            var now = User.Now(clock);
            var account = tokens.Keep(stored.Document, command.Fresh, now);
            store.UpdateRevision(account, stored.Number);
            store.Events.Append(Account.StreamOf(account.Id), new AccountRefreshed(account.UserId, account.Id, account.ProviderId, now));
            return account;
        }
    }
}
