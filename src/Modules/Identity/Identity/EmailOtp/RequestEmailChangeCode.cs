using MediatR;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.Options;
using Modular.Kernel;
using Modular.Messaging;
using Modular.Store;

namespace Modular.Identity;

/// <summary>
/// A user wants another e-mail address: <c>POST /api/auth/email-otp/request-email-change</c>. <see cref="SendEmailChangeCode"/>
/// mails a code to it; an address that is taken gets the same answer. Where <c>Auth:ConfirmEmailChange</c> is on, a verified
/// user brings a code from their old address (of kind <c>email-verification</c>).
/// </summary>
internal static class RequestEmailChangeCode
{
    internal sealed record Request(string NewEmail, string? Otp) : IWireInput<Request>
    {
        public static Request Read(WireBody body) => new(body.RequiredString("newEmail"), body.OptionalString("otp"));
    }

    /// <param name="Wish">Its address is the new one.</param>
    internal sealed record Command(string UserId, LinkWish Wish, string? Otp) : IRequest<Outcome>, IIdempotent;

    internal static readonly Refusal NoMail = Refusal.BadRequest("CHANGE_EMAIL_DISABLED", "Change email with OTP is disabled").WithoutCode();

    internal static readonly Refusal CodeMissing = Refusal.BadRequest("OTP_REQUIRED", "OTP is required to verify current email").WithoutCode();

    internal sealed class Endpoint(PublicAddress address, IOptions<MailOptions> mail) : ICarterModule
    {
        public void AddRoutes(IEndpointRouteBuilder app) => app
            .MapAuthPost("/email-otp/request-email-change", async (
                Request request, HttpContext context, Caller caller, IMediator mediator, CancellationToken ct) =>
            {
                if (!mail.Value.IsOn)
                    return NoMail.ToHttp();
                if (!WireBody.IsEmail(request.NewEmail))
                    return EmailCodeRefusals.InvalidEmail.ToHttp();
                var wish = LinkWish.Of(request.NewEmail, null, context, address, caller);
                var outcome = await mediator.Send(new Command(caller.UserId!, wish, request.Otp), ct);
                return outcome.ToHttp(() => WireJson.Ok(new { Success = true }));
            })
            .RequireSession()
            .WithName(nameof(RequestEmailChangeCode))
            .PartOf(AuthGroup.EmailOtp);
    }

    internal sealed class Handler(IDocumentSession store, EmailCodeCheck check, IMessageBus bus, SecretBox secrets, IOptions<AuthOptions> options)
        : IRequestHandler<Command, Outcome>
    {
        public async Task<Outcome> Handle(Command command, CancellationToken ct)
        {
            if (await store.LoadAsync<User>(command.UserId, ct) is not { } user)
                return Refusal.Unauthorized();
            if (user.Email == command.Wish.Email)
                return EmailCodeRefusals.Same;
            if (user.EmailVerified && options.Value.ConfirmEmailChange && await Confirm(user, command, ct) is { } refusal)
                return refusal;
            await bus.PublishAsync(new EmailChangeCodeRequested(user.Id, secrets.SealJson(command.Wish, EmailChangeCodeRequested.Context(user.Id))));
            return Outcome.Done;
        }

        // The old address allows it first.
        private async Task<Refusal?> Confirm(User user, Command command, CancellationToken ct)
        {
            if (string.IsNullOrEmpty(command.Otp))
                return CodeMissing;
            var key = CodeKey.Verification(user.Email);
            if (await check.Refuse(key, command.Otp, user.Email, uses: true, ct) is { } refusal)
                return refusal;
            var stream = await check.StreamOf(user, ct);
            if (stream.Aggregate is null)
                return Refusal.Unauthorized();
            check.Used(stream, key);
            return null;
        }
    }
}

/// <param name="Wish">A <see cref="LinkWish"/> with the new address, sealed.</param>
internal sealed record EmailChangeCodeRequested(string UserId, string Wish)
{
    public static string Context(string userId) => $"email-change-code-requested/{userId}";
}
