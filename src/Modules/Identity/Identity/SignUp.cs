using MediatR;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.Options;
using Modular.Identity.Contracts;
using Modular.Kernel;
using Modular.Sessions.Contracts;

namespace Modular.Identity;

/// <summary>Somebody registers with an e-mail address and a password: <c>POST /api/auth/sign-up/email</c>.</summary>
internal static class SignUp
{
    internal sealed record Request(
        string Name, string Email, string Password, string? Image, string? CallbackUrl, bool? RememberMe, string? Unsettable, Username? Username = null)
        : IWireInput<Request>
    {
        public static Request Read(WireBody body)
        {
            var (name, email, password) = (body.RequiredString("name"), body.RequiredEmail("email"), body.RequiredString("password"));
            var image = body.OptionalString("image");
            UserLimits.Check(body, name, image);
            return new Request(
                name, email, password, image, body.OptionalString("callbackURL"), body.OptionalBool("rememberMe"), UnsettableColumns.Find(body),
                Identity.Username.Read(body).ForNewUser());
        }
    }

    /// <param name="Email">In lower case.</param>
    /// <param name="SignsIn">False: the user is made and nobody is signed in.</param>
    /// <param name="Verification">A link to verify the address; null: none is sent.</param>
    internal sealed record Command(
        string Name, string Email, string Password, string? Image, bool Remember, bool SignsIn, LinkWish? Verification, Username Username)
        : IRequest<Outcome<SignedUp>>;

    /// <param name="Session">Null: not signed in.</param>
    internal sealed record SignedUp(StartedSession? Session, SessionPrincipal User);

    internal sealed record Response(string? Token, SessionPrincipal User);

    /// <summary>When answers go out that must not tell; longer than a hash takes.</summary>
    private static readonly TimeSpan Beat = TimeSpan.FromMilliseconds(500);

    internal static readonly Refusal Disabled =
        Refusal.BadRequest("EMAIL_PASSWORD_SIGN_UP_DISABLED", "Email and password sign up is not enabled");

    internal static readonly Refusal EmailTaken =
        Refusal.Unprocessable("USER_ALREADY_EXISTS_USE_ANOTHER_EMAIL", "User already exists. Use another email.");

    internal sealed class Endpoint(PublicAddress address, IOptions<AuthOptions> options, TimeProvider clock) : ICarterModule
    {
        public void AddRoutes(IEndpointRouteBuilder app) => app.MapAuthPost(
            "/sign-up/email",
            new AuthPost { AcceptsForm = true, ChecksForm = true },
            async (
                Request request, HttpContext context, Caller caller, IMediator mediator, SessionCookies cookies, CancellationToken ct) =>
            {
                var username = options.Value.IsOn(AuthGroup.Username) ? request.Username ?? Username.None : Username.None;
                if ((Forbids(request, options.Value.AllowSignUp) ?? username.Refuse()) is { } forbidden)
                    return forbidden.ToHttp();
                var (signsIn, began) = (options.Value is { AutoSignIn: true, RequireEmailVerification: false }, clock.GetTimestamp());
                var wish = LinkWish.Of(request.Email, request.CallbackUrl, context, address, caller);
                var outcome = await mediator.Send(
                    new Command(
                        request.Name, wish.Email, request.Password, request.Image, request.RememberMe ?? true, signsIn,
                        options.Value.SendVerificationOnSignUp ? wish : null, username),
                    ct);

                if (!signsIn)
                    await Task.Delay(UntilBeat(clock.GetElapsedTime(began)), clock, ct);

                // The race for the address was lost at the commit. Where nobody is signed in, nobody learns of it.
                if (outcome.Refusal == EmailTaken && !signsIn)
                    return WireJson.Ok(new Response(null, Invent(new(request.Name, wish.Email, request.Image, Username: username), User.Now(clock))));
                return outcome.ToHttp(signedUp =>
                {
                    if (signedUp.Session is { } session)
                        cookies.Start(context, session.Token, session.CookieLifetime);
                    return WireJson.Ok(new Response(signedUp.Session?.Token, signedUp.User));
                });
            });
    }

    internal sealed class Handler(
        Registration registration, PasswordQueue passwords, Admission admission, SignUpRefusals refusals, UsernameHolders usernames, IMediator mediator,
        TimeProvider clock)
        : IRequestHandler<Command, Outcome<SignedUp>>
    {
        public async Task<Outcome<SignedUp>> Handle(Command command, CancellationToken ct)
        {
            if (await usernames.Claim(command.Username, userId: null, ct) is { } taken)
                return taken;
            var existing = await registration.Find(command.Email, ct);
            if (existing is not null && command.SignsIn)
                return refusals.Taken(existing);

            // Also of an address that is taken, where the answer does not tell: the time must not tell either.
            var hash = await passwords.Hash(command.Password, ct);
            if (hash.Refusal is { } busy)
                return busy;
            if (command.Verification is { } wish)
                await mediator.Send(new AskVerification(wish with { SignUp = existing is null ? null : new(command.Name, hash.Answer) }), ct);
            if (existing is not null)
            {
                // Nobody learns whose address is registered: the answer of a success, invented. Who has not verified the
                // address yet gets the mail again.
                refusals.TakenUntold(existing);
                usernames.Reserve(command.Username);
                return new SignedUp(null, Invent(Person(command), User.Now(clock)));
            }

            refusals.IfTakenMeanwhile(command.Email);
            var user = await registration.Register(Person(command), hash.Answer);
            var session = command.SignsIn ? await admission.Admit(user, command.Remember, "password", ct) : null;
            return new SignedUp(session, user.ToPrincipal());
        }
    }

    /// <summary>What the input alone refuses, in the contract's order.</summary>
    internal static Refusal? Forbids(Request request, bool allowSignUp) => request switch
    {
        _ when !allowSignUp => Disabled,
        _ when PasswordRules.Refuse(request.Password, request.Email, request.Name) is { } unwise => unwise,
        { Unsettable: { } column } => UnsettableColumns.NotAllowed(column),
        _ => null,
    };

    /// <summary>
    /// How long to hold the answer: a free address has a user, an account, a key and a message stored, a taken one a refusal,
    /// and the difference of some milliseconds must not be heard (ASVS 5.0 6.3.8).
    /// </summary>
    internal static TimeSpan UntilBeat(TimeSpan elapsed) => Beat - TimeSpan.FromTicks(elapsed.Ticks % Beat.Ticks);

    private static NewUser Person(Command command) => new(command.Name, command.Email, command.Image, Username: command.Username);

    private static SessionPrincipal Invent(NewUser person, DateTimeOffset now) => User.Create(new UserRegistered(
        Guid.CreateVersion7(now).ToString("N"), person.Name, person.Email, person.Image, EmailVerified: false, User.DefaultRole, now,
        person.Username?.Key, person.Username?.Display)).ToPrincipal();
}

/// <summary>Somebody tried to register an address that is taken.</summary>
/// <param name="UserId">Whose it is, where that was seen.</param>
/// <param name="AddressHash">A keyed hash of the address where the race for it was lost at the commit.</param>
internal sealed record SignUpRefused(string? UserId, string? AddressHash, string Reason, DateTimeOffset At);
