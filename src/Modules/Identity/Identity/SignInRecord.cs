using Modular.Kernel;
using Modular.Store;

namespace Modular.Identity;

/// <summary>What a sign-in leaves in the log besides the session it starts.</summary>
internal sealed class SignInRecord(IDocumentSession store, Refusals refusals, AddressHash addresses, AuthTrace trace, TimeProvider clock)
{
    public DateTimeOffset Now => User.Now(clock);

    /// <summary>
    /// Records a failure: about the user whose address it was, else with the address's keyed hash. In a stream of its own,
    /// not one per user: guesses at one account come many at once, and one stream would let them wait for, and fail, each other.
    /// </summary>
    public void Failed(User? user, string email, string reason)
    {
        var hash = user is null ? addresses.Of(email) : null;
        var stream = $"sign-in:{Guid.CreateVersion7(clock.GetUtcNow()):N}";
        refusals.Record(stream, new SignInFailed(user?.Id, hash, reason, Now));
    }

    /// <summary>Tells in the log what was found, where <c>Auth:Debug</c> is on.</summary>
    public void Tell(User? user, string email, string step, string decision)
    {
        if (trace.IsOn)
            trace.Tell(step, decision, user?.Id ?? $"address {addresses.Of(email)}");
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
