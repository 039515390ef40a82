using Modular.Store;

namespace Modular.Identity;

/// <summary>A user wants another address: a code goes to it, unless somebody has it.</summary>
internal static class SendEmailChangeCode
{
    internal sealed class Handler(
        IDocumentSession store, Registration registration, EmailCodes codes, MailedSecrets mails, Mailer mailer, SecretBox secrets, TimeProvider clock)
    {
        public async Task Handle(EmailChangeCodeRequested message, EventMetadata metadata, CancellationToken ct)
        {
            if (secrets.OpenJson<LinkWish>(message.Wish, EmailChangeCodeRequested.Context(message.UserId)) is not { } wish)
                return;
            (metadata.IpAddress, metadata.UserAgent) = (wish.IpAddress, wish.UserAgent);
            var stream = await store.Events.FetchForWriting<User>(message.UserId, ct);
            if (stream.Aggregate is not { } user || user.Email == wish.Email)
                return;
            var (key, to) = (CodeKey.EmailChange(user.Id, user.Email, wish.Email), CodeKey.EmailChangeTo(wish.Email));
            if (await mails.AreTooMany(key, user.Email, user, ct) || await mails.AreTooMany(to, wish.Email, user, ct))
                return;
            var now = User.Now(clock);
            // Also where it is sent to nobody: whoever guesses at it must not see the difference.
            var code = codes.Issue(key, user.Id);
            codes.CountMail(to, userId: null);
            if (await registration.Find(wish.Email, ct) is not null)
            {
                stream.AppendOne(new EmailChangeRefused(user.Id, "email_taken", now));
                return;
            }

            stream.AppendOne(new EmailChangeCodeSent(user.Id, wish.Email, now));
            await mailer.SendCode(MailKind.ChangeEmailCode, wish.Email, wish.BaseUrl, code, EmailCodes.Life);
        }
    }
}

/// <param name="Email">The address that they want, in lower case.</param>
internal sealed record EmailChangeCodeSent(string UserId, [PersonalData] string? Email, DateTimeOffset At);
