using Modular.Store;

namespace Modular.Identity;

/// <summary>Somebody asked for a link that signs in: it goes to the address, whether a user has it or not.</summary>
internal static class SendMagicLink
{
    internal sealed class Handler(
        Registration registration, Verifications verifications, EmailCodes codes, MailedSecrets mails, Mailer mailer, SecretBox secrets)
    {
        public async Task Handle(MagicLinkRequested message, EventMetadata metadata, CancellationToken ct)
        {
            if (secrets.OpenJson<MagicLinkWish>(message.Wish, MagicLinkRequested.Context) is not { } asked)
                return;
            var wish = asked.Wish;
            (metadata.IpAddress, metadata.UserAgent) = (wish.IpAddress, wish.UserAgent);
            var (user, key) = (await registration.Find(wish.Email, ct), CodeKey.MagicLink(wish.Email));
            if (await mails.AreTooMany(key, wish.Email, user, ct))
                return;
            codes.CountMail(key, user?.Id);
            mails.Sent(key, wish.Email, user);
            var token = verifications.Issue(MagicLinkTicket.Purpose, new MagicLinkTicket(wish.Email, asked.Name), MagicLinkTicket.Life, user?.Id);
            var link = wish.Link("magic-link/verify", token, wish.CallbackUrl is { Length: > 0 } callback ? callback : "/")
                + Parameter("newUserCallbackURL", asked.NewUserCallbackUrl) + Parameter("errorCallbackURL", asked.ErrorCallbackUrl);
            await mailer.SendLink(MailKind.MagicLink, wish.Email, wish, link, MagicLinkTicket.Life);
        }

        private static string Parameter(string name, string? value) =>
            string.IsNullOrEmpty(value) ? "" : $"&{name}={Uri.EscapeDataString(value)}";
    }
}

/// <summary>What a link that signs in stands for.</summary>
/// <param name="Email">In lower case.</param>
/// <param name="Name">Of somebody new.</param>
internal sealed record MagicLinkTicket(string Email, string? Name)
{
    public const string Purpose = "magic-link";

    public static readonly TimeSpan Life = TimeSpan.FromMinutes(5);
}

/// <summary>A link that signs in was mailed.</summary>
/// <param name="UserId">Whose address it is; null: nobody's yet.</param>
/// <param name="AddressHash">A keyed hash of an address that is nobody's.</param>
internal sealed record MagicLinkSent(string? UserId, string? AddressHash, DateTimeOffset At);
