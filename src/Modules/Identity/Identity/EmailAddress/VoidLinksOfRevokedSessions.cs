using Modular.Sessions.Contracts;

namespace Modular.Identity;

/// <summary>
/// A user ended sessions of theirs: links that change the address are void, since whoever used such a session may have
/// asked for one and sent it to themselves.
/// </summary>
internal static class VoidLinksOfRevokedSessions
{
    internal static class Handler
    {
        public static Task Handle(SessionsRevoked message, Verifications verifications, CancellationToken ct)
        {
            verifications.Revoke(EmailTicket.ChangePurpose, message.UserId);
            return Task.CompletedTask;
        }
    }
}
