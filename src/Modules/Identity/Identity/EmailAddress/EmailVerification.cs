using MediatR;
using Microsoft.Extensions.Options;
using Modular.Kernel;
using Modular.Sessions.Contracts;
using Modular.Store;

namespace Modular.Identity;

/// <summary>Stages what a link of a verification mail brings about.</summary>
internal sealed class EmailVerification(
    EmailLinks links, Verifications verifications, NewPassword passwords, Admission admission, GuessLimit guesses, Mailer mailer, IntruderEnd intruder,
    IMediator mediator, Refusals refusals, Caller caller, IOptions<AuthOptions> options, TimeProvider clock)
{
    /// <summary>
    /// The address is the user's. Signs in where <c>Auth:SignInAfterVerification</c> is on: once, since the event is
    /// appended at the version that was read, and whoever comes second finds the address verified.
    /// </summary>
    public async Task<StartedSession?> Verify(IEventStream<User> stream, EmailTicket ticket, bool isSignedIn, CancellationToken ct)
    {
        if (stream.Aggregate is not { EmailVerified: false } user)
            return null;
        caller.UserId ??= user.Id;
        var verified = new UserEmailVerified(user.Id, "link", User.Now(clock));
        stream.AppendOne(verified);
        user = user.Apply(verified);
        guesses.Know(user);
        if (ticket.SignUp is { } chosen)
            user = await Prefer(chosen, user, stream, ct);
        return options.Value.SignInAfterVerification ? await SignIn(user, isSignedIn, ct) : null;
    }

    // Somebody else had registered the address, who could not show that it is theirs.
    private async Task<User> Prefer(SignUpAgain chosen, User user, IEventStream<User> stream, CancellationToken ct)
    {
        await passwords.Replace(user.Id, chosen.PasswordHash, User.Now(clock), ct);
        var renamed = new UserUpdated(user.Id, [UserUpdated.NameMember], chosen.Name, null, User.Now(clock));
        stream.AppendMany(renamed, new PasswordReset(user.Id, User.Now(clock)));
        // What else they left was the owner's as little as the password.
        user = await intruder.Stage(stream, user, "address_verified", ct);
        await mediator.Send(new EndSessionsOfUser(user.Id, "address_verified"), ct);
        return user.Apply(renamed);
    }

    /// <summary>The old address allows the change: the new one is asked next.</summary>
    public Task AskNewAddress(IEventStream<User> stream, EmailTicket ticket, string? callbackUrl, string baseUrl)
    {
        caller.UserId ??= ticket.UserId;
        stream.AppendOne(new EmailChangeAllowed(ticket.UserId, ticket.UpdateTo, User.Now(clock)));
        return links.Send(
            ticket with { IsConfirmation = false }, new LinkWish(ticket.UpdateTo!, callbackUrl, baseUrl, caller.IpAddress, caller.UserAgent));
    }

    /// <summary>Records that a link did nothing, where there is somebody whose it is.</summary>
    public Refusal Refused(User? user, EmailTicket ticket, Refusal refusal)
    {
        if (user is not null)
            refusals.Record(NewStream(), new EmailLinkRefused(user.Id, user.Email == ticket.Email ? refusal.Code.ToLowerInvariant() : "address_changed", User.Now(clock)));
        return refusal;
    }

    /// <summary>Says what it means when somebody registered the new address meanwhile.</summary>
    public void ExpectTaken(string userId, Refusal taken) =>
        refusals.When(User.EmailIndex, taken, NewStream(), new EmailLinkRefused(userId, "email_taken", User.Now(clock)));

    /// <summary>The new address is the user's from now on; the old one is told. Signs in where nobody is (contract §6.13).</summary>
    public async Task<(User User, StartedSession? Session)> Change(
        IEventStream<User> stream, string address, string baseUrl, bool isSignedIn, CancellationToken ct)
    {
        var user = stream.Aggregate!;
        caller.UserId ??= user.Id;
        var changed = new UserEmailChanged(user.Id, address, Verified: true, User.Now(clock));
        stream.AppendOne(changed);
        verifications.Revoke(ResetTicket.Purpose, user.Id);
        await mailer.SendNotice(MailKind.EmailChanged, user.Email, baseUrl, ("email", address));
        var renewed = user.Apply(changed);
        guesses.Know(renewed);
        return (renewed, await SignIn(renewed, isSignedIn, ct));
    }

    private string NewStream() => $"email-link:{Guid.CreateVersion7(clock.GetUtcNow()):N}";

    // A link shows one factor; whoever has two signs in with both.
    private async Task<StartedSession?> SignIn(User user, bool isSignedIn, CancellationToken ct) =>
        isSignedIn || user.TwoFactorEnabled || user.IsBanned(clock.GetUtcNow()) ? null : await admission.Admit(user, remember: true, "email_link", ct);
}

/// <summary>Whoever has the old address allowed another one.</summary>
/// <param name="Email">The new address, in lower case.</param>
internal sealed record EmailChangeAllowed(string UserId, [PersonalData] string? Email, DateTimeOffset At);

/// <summary>A link about somebody's address was opened and did nothing.</summary>
/// <param name="Reason"><c>token_expired</c>, <c>address_changed</c> since it was sent, <c>invalid_user</c> (in somebody else's browser), <c>email_taken</c>.</param>
internal sealed record EmailLinkRefused(string UserId, string Reason, DateTimeOffset At);
