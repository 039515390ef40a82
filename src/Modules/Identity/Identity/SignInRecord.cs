using Modular.Kernel;
using Modular.Store;

namespace Modular.Identity;

/// <summary>What a sign-in leaves in the log besides the session it starts.</summary>
internal sealed class SignInRecord(IDocumentSession store, Refusals refusals, AddressHash addresses, TimeProvider clock)
{
    public DateTimeOffset Now => User.Now(clock);

    /// <summary>Records a failure: about the user whose address it was, else under the address's keyed hash.</summary>
    public void Failed(User? user, string email, string reason)
    {
        var hash = user is null ? addresses.Of(email) : null;
        refusals.Record($"sign-in:{user?.Id ?? hash}", new SignInFailed(user?.Id, hash, reason, Now));
    }

    /// <summary>A ban that is over is lifted by the sign-in that finds it (contract §7.1).</summary>
    public async Task<User> LiftExpiredBan(User user, CancellationToken ct)
    {
        if (!user.Banned)
            return user;
        var stream = await store.Events.FetchForWriting<User>(user.Id, ct);
        var lifted = new UserUnbanned(user.Id, "expired", Now);
        stream.AppendOne(lifted);
        return user.Apply(lifted);
    }
}
