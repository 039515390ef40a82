using MediatR;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Routing;
using Modular.Kernel;

namespace Modular.Identity;

/// <summary>
/// Somebody asks whether a code is right before they use it: <c>POST /api/auth/email-otp/check-verification-otp</c>. A right
/// one stays good; a wrong one counts as everywhere.
/// </summary>
internal static class CheckVerificationOtp
{
    internal sealed record Request(string Email, string Type, string Otp) : IWireInput<Request>
    {
        public static Request Read(WireBody body) => new(
            body.RequiredString("email"), body.RequiredOneOf("type", CodeKey.Types), body.RequiredString("otp"));
    }

    internal sealed record Command(string Email, string Type, string Otp) : IRequest<Outcome>, IIdempotent;

    internal sealed class Endpoint : ICarterModule
    {
        public void AddRoutes(IEndpointRouteBuilder app) => app
            .MapAuthPost("/email-otp/check-verification-otp", async (Request request, IMediator mediator, CancellationToken ct) =>
            {
                if (!WireBody.IsEmail(request.Email))
                    return EmailCodeRefusals.InvalidEmail.ToHttp();
                var outcome = await mediator.Send(new Command(request.Email.ToLowerInvariant(), request.Type, request.Otp), ct);
                return outcome.ToHttp(() => WireJson.Ok(new { Success = true }));
            })
            .WithName(nameof(CheckVerificationOtp))
            .PartOf(AuthGroup.EmailOtp);
    }

    internal sealed class Handler(EmailCodeCheck check, Registration registration) : IRequestHandler<Command, Outcome>
    {
        public async Task<Outcome> Handle(Command command, CancellationToken ct)
        {
            var key = CodeKey.Of(command.Type, command.Email);
            if (await check.Refuse(key, command.Otp, command.Email, uses: false, ct) is { } refusal)
                return refusal;
            // Whoever has the code reads the mail of the address, so they may know.
            return await registration.Find(command.Email, ct) is null
                ? await check.RefuseRight(key, command.Email, EmailCodeRefusals.UserGone, ct)
                : Outcome.Done;
        }
    }
}
