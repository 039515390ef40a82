using MediatR;
using Microsoft.Extensions.Options;
using Modular.Audit.Contracts;
using Modular.Messaging;
using Modular.Sessions.Contracts;
using Modular.Store;

namespace Modular.Identity;

/// <summary>
/// Stages the end of a user: account, passkeys, links, sessions, the row of <c>neon_auth.users_sync</c> with everything that
/// references it (with <c>Identity:PurgeAfter</c> that one later); and their key, so that no event tells anything personal any
/// more (DESIGN §6).
/// </summary>
internal sealed class Removal(
    IDocumentSession store, Verifications verifications, IEnumerable<IEndOfUser> ends, Mailer mailer, IMediator mediator, IMessageBus bus, AddressHash hash,
    IOptions<DeletionOptions> options, TimeProvider clock)
{
    /// <summary>False: they are gone already.</summary>
    /// <param name="userId">Whose end it is.</param>
    /// <param name="reason">By which way: <c>self</c>, <c>self_by_mail</c>, <c>by_administrator</c>, <c>clerk</c>, <c>authjs</c>.</param>
    /// <param name="baseUrl">Our public address; null: the user is not told by mail.</param>
    public async Task<bool> Remove(string userId, string reason, string? baseUrl, CancellationToken ct)
    {
        var stream = await store.Events.FetchForWriting<User>(userId, ct);
        if (stream.Aggregate is not { } user)
            return false;
        var now = User.Now(clock);
        stream.AppendOne(new UserDeleted(user.Id, reason, now, KeepsRow: options.Value.PurgeAfter > TimeSpan.Zero));
        // As they are now: whoever signs in, links or sets a password meanwhile has changed one, and this runs again.
        foreach (var account in await store.QueryAsync<Account>("where d.user_id = ?", ct, user.Id))
        {
            if (await store.LoadRevisionAsync<Account>(account.Id, ct) is { } revision)
                store.QueueSqlCommand(1, "delete from identity.mt_doc_account where id = ? and mt_version = ?", account.Id, revision.Number);
        }

        store.QueueSqlCommand("delete from identity.mt_doc_account where user_id = ?", user.Id);
        verifications.RevokeAll(user.Id);
        foreach (var end in ends)
            await end.Stage(user, now, ct);
        store.Delete<Authenticator>(user.Id);
        await mediator.Send(new EndSessionsOfUser(user.Id, "user_deleted"), ct);
        var (told, theirs) = Addresses(user, await store.Events.FetchStreamAsync<User>(user.Id, token: ct));
        await WithdrawMails(user, told, ct);
        if (baseUrl is not null)
            await mailer.SendNotice(MailKind.AccountDeleted, user.Email, baseUrl);
        // After whatever was told of them before, so that the profile is opened before it is closed.
        await bus.PublishAsync(new Contracts.UserDeleted(user.Id, now), new DeliveryOptions { GroupId = user.Id });
        await mediator.Send(new EraseSubject(user.Id, [.. theirs.Select(address => AddressHash.SubjectOf(null, hash.Of(address))!)], "user_deleted"), ct);
        return true;
    }

    /// <summary>
    /// Whatever address they have or had, or wanted; and which of them were theirs, as they have shown or at the end. What came
    /// from nobody about those is theirs too; about an address that they only named it is somebody else's.
    /// </summary>
    internal static (IReadOnlyList<string> Told, IReadOnlyList<string> Theirs) Addresses(User user, IEnumerable<IEvent> events)
    {
        var (told, theirs) = (new HashSet<string> { user.Email }, new HashSet<string> { user.Email });
        string? held = null;
        foreach (var e in events)
        {
            var (address, isHeld, isShown) = e.Data switch
            {
                UserRegistered registered => (registered.Email, true, registered.EmailVerified),
                UserEmailChanged changed => (changed.Email, true, changed.Verified),
                UserEmailVerified => (held, true, true),
                EmailChangeAllowed allowed => (allowed.Email, false, false),
                EmailChangeLinkSent sent => (sent.Email, false, false),
                EmailChangeCodeSent sent => (sent.Email, false, false),
                _ => (null, false, false),
            };
            if (address is null)
                continue;
            told.Add(address);
            held = isHeld ? address : held;
            if (isShown)
                theirs.Add(address);
        }

        return ([.. told], [.. theirs]);
    }

    // Mails to an address that somebody else has by now are not theirs to withdraw.
    private async Task WithdrawMails(User user, IReadOnlyList<string> told, CancellationToken ct)
    {
        var others = (await store.QueryAsync<User>("where d.email = any(?) and d.id <> ?", ct, told.ToArray(), user.Id)).Select(other => other.Email);
        string[] hashes = [.. told.Except(others).Select(hash.Of)];
        store.Withdraw(MailRequested.StoredName, "addressHash", hashes);
        store.QueueSqlCommand("delete from identity.mt_doc_development_mail where data ->> 'addressHash' = any(?)", (object)hashes);
    }
}

/// <summary>What belongs to a user and goes with them, in the same transaction.</summary>
internal interface IEndOfUser
{
    /// <summary>Stages its end; what is added meanwhile must not outlive the commit.</summary>
    Task Stage(User user, DateTimeOffset now, CancellationToken ct);
}

/// <summary>What a link for deleting one's account stands for.</summary>
internal sealed record DeletionTicket(string UserId)
{
    public const string Purpose = "delete-account";

    public static readonly TimeSpan Life = TimeSpan.FromDays(1);
}
