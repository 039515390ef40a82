using MediatR;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Modular.Identity.Contracts;
using Modular.Kernel;

namespace Modular.Identity;

/// <summary>A user signs in with a code from a mail, or somebody new signs up: <c>POST /api/auth/sign-in/email-otp</c>.</summary>
internal static class SignInWithCode
{
    internal sealed record Request(string Email, string Otp, string? Name, string? Image, string? Unsettable) : IWireInput<Request>
    {
        public static Request Read(WireBody body)
        {
            var (email, otp) = (body.RequiredString("email"), body.RequiredString("otp"));
            var (name, image) = (body.OptionalString("name"), body.OptionalString("image"));
            UserLimits.Check(body, name, image);
            return new(email, otp, name, image, UnsettableColumns.Find(body));
        }
    }

    /// <param name="Person">With the address, in lower case; the rest is of somebody new.</param>
    internal sealed record Command(NewUser Person, string Otp) : IRequest<Outcome<Entered>>, IIdempotent;

    internal sealed record Response(string Token, SessionPrincipal User);

    internal sealed class Endpoint(SessionCookies cookies) : ICarterModule
    {
        public void AddRoutes(IEndpointRouteBuilder app) => app
            .MapAuthPost("/sign-in/email-otp", async (Request request, HttpContext context, IMediator mediator, CancellationToken ct) =>
            {
                // Upstream says so of somebody new only; whoever has an account sends none of these.
                if (request.Unsettable is { } column)
                    return UnsettableColumns.NotAllowed(column).ToHttp();
                var person = new NewUser(request.Name ?? "", request.Email.ToLowerInvariant(), request.Image);
                var outcome = await ProviderRefusals.Insist(() => mediator.Send(new Command(person, request.Otp), ct));
                // Nobody learns that a code was right which nobody was sent.
                if (outcome.Refusal == MailboxSignIn.SignUpDisabled)
                    return EmailCodeRefusals.Invalid.ToHttp();
                return outcome.ToHttp(entered =>
                {
                    var (session, user) = entered.SignedIn;
                    cookies.Start(context, session.Token, session.CookieLifetime);
                    return WireJson.Ok(new Response(session.Token, user));
                });
            })
            .WithName(nameof(SignInWithCode))
            .PartOf(AuthGroup.EmailOtp);
    }

    internal sealed class Handler(EmailCodeCheck check, MailboxSignIn mailbox, TimeProvider clock) : IRequestHandler<Command, Outcome<Entered>>
    {
        public async Task<Outcome<Entered>> Handle(Command command, CancellationToken ct)
        {
            var (email, key) = (command.Person.Email, CodeKey.SignIn(command.Person.Email));
            if (await check.Refuse(key, command.Otp, email, uses: true, ct) is { } refusal)
                return refusal;
            return await mailbox.Enter(command.Person, "email-otp", user => new EmailCodeUsed(user.Id, key.Purpose, User.Now(clock)), ct);
        }
    }
}
