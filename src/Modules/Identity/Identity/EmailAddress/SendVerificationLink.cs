using Modular.Store;

namespace Modular.Identity;

/// <summary>Somebody asked for a verification mail: it goes to the address if a user has it who is not verified.</summary>
internal static class SendVerificationLink
{
    internal sealed class Handler(IDocumentSession store, Registration registration, EmailLinks links, SecretBox secrets, TimeProvider clock)
    {
        public async Task Handle(VerificationRequested message, EventMetadata metadata, CancellationToken ct)
        {
            if (secrets.OpenJson<LinkWish>(message.Wish, VerificationRequested.Context) is not { } wish)
                return;
            (metadata.IpAddress, metadata.UserAgent) = (wish.IpAddress, wish.UserAgent);
            if (await registration.Find(wish.Email, ct) is not { EmailVerified: false } user || await links.AreTooMany(EmailTicket.Purpose, user.Id, ct))
                return;
            store.Events.Append(user.Id, new VerificationLinkSent(user.Id, User.Now(clock)));
            await links.Send(new EmailTicket(user.Id, user.Email, SignUp: wish.SignUp), wish);
        }
    }
}

internal sealed record VerificationLinkSent(string UserId, DateTimeOffset At);
