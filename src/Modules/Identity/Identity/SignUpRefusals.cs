using Modular.Kernel;
using Modular.Store;

namespace Modular.Identity;

/// <summary>
/// Records that an address was taken. Each in a stream of its own: many at once, for one address, must not wait for each
/// other.
/// </summary>
internal sealed class SignUpRefusals(IDocumentSession store, Refusals refusals, Registration registration, AddressHash addresses, TimeProvider clock)
{
    private const string Reason = "email_taken";

    public Refusal Taken(User user)
    {
        refusals.Record(NewStream(), new SignUpRefused(user.Id, null, Reason, User.Now(clock)));
        return SignUp.EmailTaken;
    }

    /// <summary>The same where the caller is told of a success: staged with whatever else is done for appearance.</summary>
    public void TakenUntold(User user) => store.Events.Append(NewStream(), new SignUpRefused(user.Id, null, Reason, User.Now(clock)));

    /// <summary>Declares what it means when the unique index refuses: somebody else was faster.</summary>
    public void IfTakenMeanwhile(string email) => refusals.When(
        User.EmailIndex, SignUp.EmailTaken, NewStream(), new SignUpRefused(null, addresses.Of(email), Reason, User.Now(clock)));

    private string NewStream() => $"sign-up:{registration.NewId()}";
}
