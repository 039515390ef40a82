using Microsoft.Extensions.Options;
using Modular.Kernel;
using Modular.Store;

namespace Modular.Identity;

/// <summary>
/// A user wants another address: a link goes to the new one, or first to the old one where that is verified and
/// <c>Auth:ConfirmEmailChange</c> is on. Nothing goes to an address that somebody else has.
/// </summary>
internal static class SendEmailChangeLink
{
    internal sealed class Handler(
        IDocumentSession store, Registration registration, EmailLinks links, SecretBox secrets, IOptions<AuthOptions> options, TimeProvider clock)
    {
        public async Task Handle(EmailChangeRequested message, EventMetadata metadata, CancellationToken ct)
        {
            if (secrets.OpenJson<LinkWish>(message.Wish, EmailChangeRequested.Context(message.UserId)) is not { } wish)
                return;
            (metadata.IpAddress, metadata.UserAgent) = (wish.IpAddress, wish.UserAgent);
            if (await store.LoadAsync<User>(message.UserId, ct) is not { } user || await links.AreTooMany(EmailTicket.ChangePurpose, user.Id, ct))
                return;
            var now = User.Now(clock);
            if (await registration.Find(wish.Email, ct) is not null)
            {
                store.Events.Append(user.Id, new EmailChangeRefused(user.Id, "email_taken", now));
                return;
            }

            store.Events.Append(user.Id, new EmailChangeLinkSent(user.Id, wish.Email, now));
            await links.Send(new EmailTicket(user.Id, user.Email, wish.Email, user.EmailVerified && options.Value.ConfirmEmailChange), wish);
        }
    }
}

/// <param name="Email">The address that they want, in lower case.</param>
internal sealed record EmailChangeLinkSent(string UserId, [PersonalData] string? Email, DateTimeOffset At);

/// <summary>A user asked for an address that somebody else has; they were not told.</summary>
internal sealed record EmailChangeRefused(string UserId, string Reason, DateTimeOffset At);
