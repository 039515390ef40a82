using MediatR;
using Modular.Kernel;
using Modular.Sessions.Contracts;
using Modular.Store;

namespace Modular.Identity;

/// <summary>
/// Makes somebody who has an address already an administrator with the operator's password, and ends their sessions:
/// they may be a stranger who came first.
/// </summary>
internal sealed class Promotion(
    IDocumentSession store, NewPassword passwords, Verifications verifications, Mailer mailer, PublicAddress address, IMediator mediator, Refusals refusals,
    TimeProvider clock)
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
        await passwords.Replace(user.Id, passwordHash, now, ct);
        stream.AppendOne(new PasswordGiven(user.Id, now));
        // Nothing that a stranger has asked for may open what the address is now worth.
        verifications.RevokeAll(user.Id);
        await mailer.SendNotice(MailKind.PasswordChanged, user.Email, address.Known?.ToString() ?? "http://localhost/");
        await mediator.Send(new EndSessionsOfUser(user.Id, "made_administrator"), ct);
    }

    private static string Add(User user, string role) => string.Join(',', [.. user.Roles.Except([User.DefaultRole]), role]);
}
