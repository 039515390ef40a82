using MediatR;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.Options;
using Modular.Kernel;
using Modular.Messaging;

namespace Modular.Identity;

/// <summary>
/// Somebody asks for a code by mail: <c>POST /api/auth/email-otp/send-verification-otp</c>. The same answer and the same work
/// for every address; who has it is looked up afterwards, by <see cref="SendEmailCode"/>.
/// </summary>
internal static class SendVerificationOtp
{
    internal sealed record Request(string Email, string Type) : IWireInput<Request>
    {
        public static Request Read(WireBody body) => new(body.RequiredString("email"), body.RequiredOneOf("type", CodeKey.Types));
    }

    internal sealed class Endpoint(PublicAddress address, IOptions<MailOptions> mail) : ICarterModule
    {
        public void AddRoutes(IEndpointRouteBuilder app) => app
            .MapAuthPost("/email-otp/send-verification-otp", new AuthPost { ChecksForm = true }, async (
                Request request, HttpContext context, Caller caller, IMediator mediator, CancellationToken ct) =>
            {
                if (!mail.Value.IsOn)
                    return EmailCodeRefusals.NoMail.ToHttp();
                if (!WireBody.IsEmail(request.Email))
                    return EmailCodeRefusals.InvalidEmail.ToHttp();
                if (request.Type == "change-email")
                    return EmailCodeRefusals.WrongType.ToHttp();
                var wish = LinkWish.Of(request.Email, null, context, address, caller);
                var outcome = await mediator.Send(new AskEmailCode(wish, request.Type), ct);
                return outcome.ToHttp(() => WireJson.Ok(new { Success = true }));
            })
            .WithName(nameof(SendVerificationOtp))
            .PartOf(AuthGroup.EmailOtp);
    }

    internal sealed class Handler(IMessageBus bus, SecretBox secrets) : IRequestHandler<AskEmailCode, Outcome>
    {
        public async Task<Outcome> Handle(AskEmailCode command, CancellationToken ct)
        {
            await bus.PublishAsync(new EmailCodeRequested(secrets.SealJson(command, EmailCodeRequested.Context)));
            return Outcome.Done;
        }
    }
}

/// <summary>A code is wanted.</summary>
/// <param name="Type">As the contract calls it: <c>sign-in</c>, <c>email-verification</c>, <c>forget-password</c>.</param>
internal sealed record AskEmailCode(LinkWish Wish, string Type) : IRequest<Outcome>, IIdempotent;

/// <param name="Wish">A <see cref="AskEmailCode"/>, sealed.</param>
internal sealed record EmailCodeRequested(string Wish)
{
    public const string Context = "email-code-requested";
}
