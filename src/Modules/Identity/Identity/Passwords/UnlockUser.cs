using MediatR;
using Modular.Identity.Contracts;
using Modular.Store;

namespace Modular.Identity;

/// <summary>The operator ends the waits after wrong passwords of a user: <c>users unlock</c>.</summary>
internal static class UnlockUser
{
    internal sealed class Handler(IDocumentSession store, Registration registration, GuessLimit guesses, TimeProvider clock)
        : IRequestHandler<Contracts.UnlockUser, UnlockedUser>
    {
        public async Task<UnlockedUser> Handle(Contracts.UnlockUser request, CancellationToken cancellationToken)
        {
            var email = request.Email.Trim().ToLowerInvariant();
            if (await registration.Find(email, cancellationToken) is not { } user)
                return new(null, 0, $"Nobody has the address '{email}'.");
            var failures = await guesses.Unlock(user, cancellationToken);
            store.Events.Append(user.Id, new UserUnlocked(user.Id, failures, "by_operator", User.Now(clock)));
            return new(user.Id, failures, null);
        }
    }
}

/// <summary>Wrong passwords were forgotten, so that the right one is compared again.</summary>
/// <param name="Failures">How many were counted.</param>
internal sealed record UserUnlocked(string UserId, long Failures, string Reason, DateTimeOffset At);
