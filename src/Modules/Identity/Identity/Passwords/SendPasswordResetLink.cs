using Modular.Store;

namespace Modular.Identity;

/// <summary>Somebody asked for a link to set a new password: it goes to the address if a user has it.</summary>
internal static class SendPasswordResetLink
{
    internal sealed class Handler(
        IDocumentSession store, Registration registration, Verifications verifications, Mailer mailer, SecretBox secrets, TimeProvider clock)
    {
        public async Task Handle(PasswordResetRequested message, EventMetadata metadata, CancellationToken ct)
        {
            if (secrets.OpenJson<LinkWish>(message.Wish, PasswordResetRequested.Context) is not { } wish)
                return;
            (metadata.IpAddress, metadata.UserAgent) = (wish.IpAddress, wish.UserAgent);
            if (await registration.Find(wish.Email, ct) is not { } user || await verifications.AreTooMany(ResetTicket.Purpose, user.Id, ct))
                return;
            store.Events.Append(user.Id, new PasswordResetLinkSent(user.Id, User.Now(clock)));
            var token = verifications.IssueLimited(ResetTicket.Purpose, new ResetTicket(user.Id, user.Email), ResetTicket.Life, user.Id);
            var link = wish.Link($"reset-password/{token}", token: null, wish.CallbackUrl ?? "");
            await mailer.SendLink(MailKind.ResetPassword, user.Email, wish, link, ResetTicket.Life);
        }
    }
}

/// <summary>What a link for a new password stands for.</summary>
/// <param name="Email">Where it went: once the user has another address, the link is void.</param>
internal sealed record ResetTicket(string UserId, string Email)
{
    public const string Purpose = "reset-password";

    public static readonly TimeSpan Life = TimeSpan.FromHours(1);
}

internal sealed record PasswordResetLinkSent(string UserId, DateTimeOffset At);
