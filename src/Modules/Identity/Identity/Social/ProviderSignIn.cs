using Microsoft.Extensions.Options;
using Modular.Identity.Contracts;
using Modular.Kernel;
using Modular.Sessions.Contracts;
using Modular.Store;

namespace Modular.Identity;

/// <summary>Somebody whom a provider has vouched for.</summary>
/// <param name="RequestsSignUp">Whether the client asked to register whoever is unknown.</param>
/// <param name="Verification">A link to verify the address, where that has to be done; null: they have no address.</param>
internal sealed record Arrival(
    string ProviderId, ProviderUser Person, ProviderTokens Tokens, bool RequestsSignUp, LinkWish? Verification = null);

/// <summary>Somebody who came by a provider and is known now.</summary>
/// <param name="Session">Null: their address has to be verified first.</param>
internal sealed record Arrived(StartedSession? Session, SessionPrincipal User, bool IsNew);

/// <summary>What becomes of an arrival.</summary>
internal enum Welcome
{
    SignIn,
    Link,
    Register,
}

/// <summary>Lets in whom a provider vouches for, by the rules of contract §6.4.</summary>
internal sealed class ProviderSignIn(
    IDocumentSession store, Registration registration, AccountTokens tokens, Admission admission, ProviderSignInRecord record,
    IOptions<AuthOptions> auth, IOptions<ProvidersOptions> providers)
{
    public async Task<Outcome<Arrived>> Enter(Arrival arrival, CancellationToken ct)
    {
        if (arrival.Person.Email is not { } email)
            return ProviderRefusals.EmailNotFound;
        var account = (await store.QueryAsync<Account>(
            "where d.issuer = ? and d.account_id = ?", ct, arrival.Person.Issuer, arrival.Person.Subject)).SingleOrDefault();
        var user = account is null ? await registration.Find(email, ct) : await store.LoadAsync<User>(account.UserId, ct);
        var decided = Decide(providers.Value.All[arrival.ProviderId], auth.Value.AllowSignUp, arrival, account, user, record.Now);
        if (decided.Refusal is { } refusal)
            return record.Refused(arrival, user, refusal);

        var welcomed = decided.Answer switch
        {
            Welcome.SignIn => await SignIn(arrival, account!, user!, ct),
            Welcome.Link => await Link(arrival, user!, ct),
            _ => await Register(arrival, email),
        };
        var (isNew, isKept) = (decided.Answer == Welcome.Register, auth.Value.RequireEmailVerification && !welcomed.EmailVerified);
        if (!welcomed.EmailVerified && (isKept || (isNew && auth.Value.SendVerificationOnSignUp)))
            await record.AskVerification(arrival, ct);

        // What was found out stays also where they have to verify their address first.
        if (isKept)
            record.NotVerified(arrival, welcomed);
        var session = isKept ? null : await admission.Admit(welcomed, remember: true, arrival.ProviderId, ct);
        return new Arrived(session, welcomed.ToPrincipal(), isNew);
    }

    /// <summary>
    /// Who has the account is signed in. Who merely has its address is linked only where both sides have shown that the
    /// address is theirs: else whoever registers a stranger's address here, or there, would get into the stranger's account.
    /// </summary>
    internal static Outcome<Welcome> Decide(
        ProviderOptions provider, bool allowsSignUp, Arrival arrival, Account? account, User? user, DateTimeOffset now) => (account, user) switch
        {
            (not null, null) => ProviderRefusals.UnableToLink,
            (not null, _) when user.IsBanned(now) => ProviderRefusals.Banned,
            (not null, _) => Welcome.SignIn,
            (null, not null) when !MayLink(provider, arrival.Person, user) => ProviderRefusals.NotLinked,
            (null, not null) when user.IsBanned(now) => ProviderRefusals.Banned,
            (null, not null) => Welcome.Link,
            _ when !allowsSignUp || !(provider.ImplicitSignUp || arrival.RequestsSignUp) => ProviderRefusals.SignUpDisabled,
            _ => Welcome.Register,
        };

    private static bool MayLink(ProviderOptions provider, ProviderUser person, User user) =>
        provider.ImplicitLinking && (provider.Trusted || person.EmailVerified) && user.EmailVerified;

    private Task<User> SignIn(Arrival arrival, Account account, User user, CancellationToken ct)
    {
        tokens.Renew(store, account, arrival.Tokens, record.Now);
        return record.Learn(user, arrival, ct);
    }

    private async Task<User> Link(Arrival arrival, User user, CancellationToken ct)
    {
        var account = Account.Of(user.Id, arrival.ProviderId, arrival.Person, record.Now);
        record.Link(tokens.Grant(account, arrival.Tokens, record.Now), "same_address");
        return await record.Learn(user, arrival, ct);
    }

    private async Task<User> Register(Arrival arrival, string email)
    {
        record.ExpectRace();
        var person = arrival.Person;
        Account? account = null;
        var user = await registration.Register(
            new NewUser(NameOf(person), email, ImageOf(person), person.EmailVerified),
            (userId, now) => account = tokens.Grant(Account.Of(userId, arrival.ProviderId, person, now), arrival.Tokens, now));
        record.Linked(account!, "sign_up");
        return user;
    }

    private static string NameOf(ProviderUser person)
    {
        const int Short = 200;
        var name = person.Name ?? "";
        if (UserLimits.Fits(name, UserLimits.NameBytes))
            return name;
        return name[..(char.IsHighSurrogate(name[Short - 1]) ? Short - 1 : Short)];
    }

    // Pages show it, so it must not be a script.
    private static string? ImageOf(ProviderUser person) =>
        person.Image is { } image && Uri.TryCreate(image, UriKind.Absolute, out var url) && url.Scheme is "https" or "http"
            && UserLimits.Fits(image, UserLimits.ImageBytes)
            ? image
            : null;
}
