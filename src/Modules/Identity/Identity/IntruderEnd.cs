using Modular.Store;

namespace Modular.Identity;

/// <summary>
/// Stages the end of every way in beside password, accounts and sessions that somebody may have left behind who registered an
/// address that was not theirs, when its owner shows that it is: passkeys, API keys, and the second factor that would keep the
/// owner out.
/// </summary>
internal sealed class IntruderEnd(PasskeyEnd passkeys, ApiKeyRemoval keys, TwoFactorSwitch factor, TimeProvider clock)
{
    /// <param name="stream">Of the user.</param>
    /// <param name="user">As they are with what is staged already.</param>
    /// <param name="reason">How the owner shows it, e.g. <c>address_verified</c>.</param>
    public async Task<User> Stage(IEventStream<User> stream, User user, string reason, CancellationToken ct)
    {
        await passkeys.OfIntruder(user.Id, reason, ct);
        await keys.Remove(user.Id, reason, User.Now(clock), ct);
        return await factor.TurnOff(stream, user, reason, baseUrl: null, ct);
    }
}
