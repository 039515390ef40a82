using Microsoft.Extensions.Options;
using Modular.Kernel;
using Modular.Store;

namespace Modular.Identity;

/// <summary>Somebody asked for a code: it goes to the address if it is good for something there.</summary>
internal static class SendEmailCode
{
    internal sealed class Handler(
        Registration registration, EmailCodes codes, MailedSecrets mails, Mailer mailer, SecretBox secrets, IOptions<AuthOptions> options)
    {
        public async Task Handle(EmailCodeRequested message, EventMetadata metadata, CancellationToken ct)
        {
            if (secrets.OpenJson<AskEmailCode>(message.Wish, EmailCodeRequested.Context) is not { } asked)
                return;
            var wish = asked.Wish;
            (metadata.IpAddress, metadata.UserAgent) = (wish.IpAddress, wish.UserAgent);
            var (user, key) = (await registration.Find(wish.Email, ct), CodeKey.Of(asked.Type, wish.Email));
            if (await mails.AreTooMany(key, wish.Email, user, ct))
                return;
            // Also where it is sent to nobody: whoever guesses at it must not see the difference.
            var code = codes.Issue(key, user?.Id);
            if (!IsUseful(asked.Type, user, options.Value.AllowSignUp))
                return;
            mails.Sent(key, wish.Email, user);
            await mailer.SendCode(KindOf(asked.Type), wish.Email, wish.BaseUrl, code, EmailCodes.Life);
        }
    }

    /// <summary>Nobody's address can only sign up.</summary>
    internal static bool IsUseful(string type, User? user, bool allowsSignUp) => user is not null || (type == "sign-in" && allowsSignUp);

    private static MailKind KindOf(string type) => type switch
    {
        "sign-in" => MailKind.SignInCode,
        "email-verification" => MailKind.VerifyEmailCode,
        _ => MailKind.ResetPasswordCode,
    };
}
