using Microsoft.Extensions.Options;
using Modular.Kernel;
using Modular.Store;

namespace Modular.Identity;

/// <summary>Lets in whoever has shown that they read the mail of an address: its user, or, where sign-up is allowed, a new one.</summary>
internal sealed class MailboxSignIn(
    IDocumentSession store, Registration registration, UnprovenAccess unproven, Admission admission, SignInRecord record, Refusals refusals,
    IOptions<AuthOptions> options)
{
    internal static readonly Refusal SignUpDisabled = Refusal.Forbidden("new_user_signup_disabled");

    /// <param name="person">With the address, in lower case; the rest is of somebody new.</param>
    /// <param name="method">How they come: <c>magic-link</c>, <c>email-otp</c>.</param>
    /// <param name="used">The event that says so.</param>
    public async Task<Outcome<Entered>> Enter(NewUser person, string method, Func<User, object> used, CancellationToken ct)
    {
        var known = await registration.Find(person.Email, ct);
        var decided = Decide(known, options.Value.AllowSignUp, record.Now);
        if (decided.Refusal is { } refusal)
        {
            record.Failed(known, person.Email, refusal == Admission.Banned ? "banned" : "sign_up_disabled");
            return refusal;
        }

        if (known is null)
        {
            refusals.When(User.EmailIndex, ProviderRefusals.Overtaken);
            var registered = await registration.Register(person with { EmailVerified = true }, account: null);
            store.Events.Append(registered.Id, used(registered));
            return await Admit(registered, method, isNew: true, ct);
        }

        // At the version that was read: who is deleted meanwhile, or signs in by the same mail elsewhere, makes this run again.
        var stream = await store.Events.FetchForWriting<User>(known.Id, ct);
        if (stream.Aggregate is not { } user || user.Email != person.Email)
            return ProviderRefusals.Overtaken;
        stream.AppendOne(used(user));
        var proven = user.EmailVerified ? user : await unproven.End(stream, method.Replace('-', '_'), ct);
        return await Admit(proven, method, isNew: false, ct);
    }

    /// <summary>Records that a link did nothing, or a code that was right.</summary>
    public async Task Failed(string email, string reason, CancellationToken ct) =>
        record.Failed(await registration.Find(email, ct), email, reason);

    internal static Outcome Decide(User? user, bool allowsSignUp, DateTimeOffset now) => user switch
    {
        null => allowsSignUp ? Outcome.Done : SignUpDisabled,
        _ => user.IsBanned(now) ? Admission.Banned : Outcome.Done,
    };

    private async Task<Outcome<Entered>> Admit(User user, string method, bool isNew, CancellationToken ct)
    {
        var outcome = await admission.Enter(user, remember: true, method, ct);
        return outcome.Refusal is { } refusal ? refusal : new Entered(outcome.Answer, isNew);
    }
}

/// <param name="IsNew">Registered by this.</param>
internal sealed record Entered(SignedInUser SignedIn, bool IsNew);
