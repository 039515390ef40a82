using MediatR;
using Modular.Kernel;
using Modular.Sessions.Contracts;
using Modular.Store;

namespace Modular.Identity;

/// <summary>
/// Makes somebody who has an address already an administrator with the operator's password, and ends their sessions:
/// they may be a stranger who came first.
/// </summary>
internal sealed class Promotion(IDocumentSession store, IMediator mediator, Refusals refusals, TimeProvider clock)
{
    /// <summary>Says what it means when somebody registers the address meanwhile.</summary>
    public void Expect(Refusal overtaken) => refusals.When(User.EmailIndex, overtaken);

    public async Task Promote(User user, string passwordHash, string reason, CancellationToken ct)
    {
        var now = User.Now(clock);
        var stream = await store.Events.FetchForWriting<User>(user.Id, ct);

        // The roles of the stream, not of the user that was found before: what is appended rests on that version.
        if (stream.Aggregate is { } current && !current.Roles.Contains(User.AdminRole))
            stream.AppendOne(new UserRoleSet(user.Id, Add(current, User.AdminRole), reason, now));
        var account = (await store.QueryAsync<Account>(
            "where d.issuer = ? and d.account_id = ?", ct, Account.CredentialIssuer, user.Id)).SingleOrDefault();
        store.Store(account is null
            ? Account.Credential(user.Id, passwordHash, now)
            : account with { Password = passwordHash, UpdatedAt = now });
        await mediator.Send(new EndSessionsOfUser(user.Id, "made_administrator"), ct);
    }

    private static string Add(User user, string role) => string.Join(',', [.. user.Roles.Except([User.DefaultRole]), role]);
}
