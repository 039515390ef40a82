using MediatR;
using Modular.Kernel;
using Modular.Sessions.Contracts;
using Modular.Store;

namespace Modular.Identity;

/// <summary>Stages that a user's second factor is in force, or no more: told by mail (ASVS 5.0 6.3.7), with a new session for the caller.</summary>
internal sealed class TwoFactorSwitch(
    IDocumentSession store, Verifications verifications, TrustedDevices devices, Mailer mailer, IMediator mediator, Caller caller, TimeProvider clock)
{
    // As long as an administrator may act as somebody: a replaced session does not begin that anew for longer.
    private static readonly TimeSpan Impersonation = TimeSpan.FromHours(1);

    /// <summary>It is in force from now on. Does nothing when it was.</summary>
    public async Task<User> TurnOn(IEventStream<User> stream, User user, string method, string baseUrl)
    {
        if (user.TwoFactorEnabled)
            return user;
        var enabled = new TwoFactorEnabled(user.Id, method, User.Now(clock));
        stream.AppendOne(enabled);
        await TellEnabled(user, baseUrl);
        return user.Apply(enabled);
    }

    /// <summary>A second factor was set up, perhaps in the place of another.</summary>
    public ValueTask TellEnabled(User user, string baseUrl) => mailer.SendNotice(MailKind.TwoFactorEnabled, user.Email, baseUrl);

    /// <summary>The password is enough again; whatever belonged to the second factor is gone.</summary>
    public async Task<User> TurnOff(IEventStream<User> stream, User user, string reason, string? baseUrl, CancellationToken ct)
    {
        foreach (var purpose in (string[])[PendingSignIn.Purpose, MailedCode.Purpose])
            verifications.Revoke(purpose, user.Id);
        await devices.Forget(stream, user.Id, reason == "self" ? "two_factor_disabled" : reason, ct);
        if (await store.LoadAsync<Authenticator>(user.Id, ct) is null && !user.TwoFactorEnabled)
            return user;
        store.Delete<Authenticator>(user.Id);
        var disabled = new TwoFactorDisabled(user.Id, reason, User.Now(clock));
        stream.AppendOne(disabled);
        if (user.TwoFactorEnabled && baseUrl is not null)
            await mailer.SendNotice(MailKind.TwoFactorDisabled, user.Email, baseUrl);
        return user.Apply(disabled);
    }

    /// <summary>Another session in the place of the caller's, which ends; null: it has ended already.</summary>
    public async Task<StartedSession?> Replace(ActiveSession session, bool remember, string reason, CancellationToken ct)
    {
        if (!await mediator.Send(new EndSession(session.SessionId, reason), ct))
            return null;
        var started = await mediator.Send(
            new StartSession(
                session.UserId, remember, "password", session.ImpersonatedBy, session.ImpersonatedBy is null ? null : Impersonation,
                session.OrganizationId, session.TeamId),
            ct);
        caller.SessionId = started.SessionId;
        return started;
    }
}
