using MediatR;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Routing;
using Modular.Kernel;
using Modular.Store;

namespace Modular.Identity;

/// <summary>
/// An Auth.js application adds an account elsewhere to a user: <c>POST /api/adapter/link-account</c>. Once: it is never moved to
/// another user, and said again of the same one it changes nothing.
/// </summary>
internal static class LinkAdapterAccount
{
    // What a row of the index takes.
    private const int MostKeyBytes = 2_000;

    internal sealed record Command(AuthJsAccount Account) : IRequest<Outcome>, IIdempotent;

    internal sealed class Endpoint : ICarterModule
    {
        public void AddRoutes(IEndpointRouteBuilder app) => app
            .MapAdapter("/link-account", async (AuthJsAccount account, IMediator mediator, CancellationToken ct) =>
            {
                if (Forbids(account) is { } invalid)
                    return invalid.ToHttp();
                return (await mediator.Send(new Command(account), ct)).ToHttp(() => AdapterRoutes.Answer(account));
            })
            .WithName(nameof(LinkAdapterAccount));
    }

    internal sealed class Handler(
        IDocumentSession store, AdapterUsers users, Registration registration, AccountTokens tokens, Refusals refusals, Caller caller, TimeProvider clock)
        : IRequestHandler<Command, Outcome>
    {
        public async Task<Outcome> Handle(Command command, CancellationToken ct)
        {
            if (await users.Find(command.Account.UserId, ct) is not { } user)
                return AdapterRefusals.UserNotFound;
            caller.UserId = user.Id;
            var (given, now) = (command.Account, User.Now(clock));
            var refused = new AccountChangeRefused(user.Id, given.Provider, "link", AdapterRefusals.AccountTaken.Code, now);
            if (await users.FindAccount(given.Provider, given.ProviderAccountId, ct) is { } known)
            {
                if (known.UserId == user.Id)
                    return Outcome.Done;
                refusals.Record($"linking:{user.Id}", refused);
                return AdapterRefusals.AccountTaken;
            }

            refusals.When(Account.KeyIndex, AdapterRefusals.AccountTaken, $"linking:{user.Id}", refused);
            var account = given.ToAccount(tokens, registration.NewId(), now);
            Orphans.Claim(store, user.Id);
            store.Insert(account);
            store.Events.Append(
                Account.StreamOf(account.Id),
                new AccountLinked(user.Id, account.Id, account.ProviderId, account.Issuer, account.AccountId, User.ViaAdapter, now));
            return Outcome.Done;
        }
    }

    internal static Refusal? Forbids(AuthJsAccount account)
    {
        FieldError[] missing =
        [
            .. Required(account).Where(member => string.IsNullOrEmpty(member.Value)).Select(member => new FieldError(member.Name, "This is missing")),
        ];
        if (missing.Length > 0)
            return Refusal.Invalid(missing);
        return UserLimits.Fits(account.Provider + account.ProviderAccountId, MostKeyBytes)
            ? AdapterRefusals.OfTexts(account.Texts())
            : Refusal.Invalid(new FieldError("providerAccountId", $"This is longer than {MostKeyBytes} bytes"));
    }

    private static (string Name, string? Value)[] Required(AuthJsAccount account) =>
        [("userId", account.UserId), ("type", account.Type), ("provider", account.Provider), ("providerAccountId", account.ProviderAccountId)];
}
