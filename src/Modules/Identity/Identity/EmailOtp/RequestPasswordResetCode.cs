using MediatR;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.Options;
using Modular.Kernel;

namespace Modular.Identity;

/// <summary>
/// Somebody who forgot their password asks for a code: <c>POST /api/auth/email-otp/request-password-reset</c>, of old
/// <c>POST /api/auth/forget-password/email-otp</c>.
/// </summary>
internal static class RequestPasswordResetCode
{
    internal sealed record Request(string Email) : IWireInput<Request>
    {
        public static Request Read(WireBody body) => new(body.RequiredString("email"));
    }

    internal sealed class Endpoint(PublicAddress address, IOptions<MailOptions> mail) : ICarterModule
    {
        public void AddRoutes(IEndpointRouteBuilder app)
        {
            app.MapAuthPost("/email-otp/request-password-reset", Ask).WithName(nameof(RequestPasswordResetCode)).PartOf(AuthGroup.EmailOtp);
            // Its name of before, which clients still have (contract §7.6).
            app.MapAuthPost("/forget-password/email-otp", Ask).WithName("ForgetPasswordByCode").PartOf(AuthGroup.EmailOtp);
        }

        private async Task<IResult> Ask(Request request, HttpContext context, Caller caller, IMediator mediator, CancellationToken ct)
        {
            if (!mail.Value.IsOn)
                return EmailCodeRefusals.NoMail.ToHttp();
            // To what is no address nothing is sent, and nobody is told: contract §7.6.
            if (!WireBody.IsEmail(request.Email))
                return WireJson.Ok(new { Success = true });
            var outcome = await mediator.Send(new AskEmailCode(LinkWish.Of(request.Email, null, context, address, caller), "forget-password"), ct);
            return outcome.ToHttp(() => WireJson.Ok(new { Success = true }));
        }
    }
}
