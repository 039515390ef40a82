using MediatR;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Modular.Kernel;

namespace Modular.Identity;

/// <summary>Somebody wants a code by mail as their second factor: <c>POST /api/auth/two-factor/send-otp</c>. At most five an hour.</summary>
internal static class SendTwoFactorCode
{
    internal sealed record Request(bool? TrustDevice) : IWireInput<Request>
    {
        public static Request Read(WireBody body) => new(body.OptionalBool("trustDevice"));
    }

    internal sealed record Command(Asker Asker) : IRequest<Outcome<bool>>, IIdempotent;

    private static readonly TimeSpan Hour = TimeSpan.FromHours(1);

    internal sealed class Endpoint(SecondFactorCookies factor, SessionCookies cookies, PublicAddress address) : ICarterModule
    {
        public void AddRoutes(IEndpointRouteBuilder app) => app
            .MapAuthPost(
                "/two-factor/send-otp",
                new AuthPost { BodyOptional = true },
                async (Request request, HttpContext context, IMediator mediator, CancellationToken ct) =>
                {
                    _ = request;
                    var outcome = await mediator.Send(new Command(await Asker.Of(context, factor, cookies, address)), ct);
                    // Whoever asks has a session or the password, so they may know why no mail comes.
                    return outcome.ToHttp(sent => sent ? WireJson.Ok(new { Status = true }) : Refusal.TooManyRequests(Hour).ToHttp());
                })
            .WithName(nameof(SendTwoFactorCode))
            .PartOf(AuthGroup.TwoFactor);
    }

    internal sealed class Handler(CodeCheck check, Verifications verifications, Mailer mailer, TimeProvider clock) : IRequestHandler<Command, Outcome<bool>>
    {
        public async Task<Outcome<bool>> Handle(Command command, CancellationToken ct)
        {
            if (!mailer.IsOn)
                return CodeCheck.NoMail;
            var found = await check.Find(command.Asker, ct);
            if (found.Refusal is { } unknown)
                return unknown;
            var asked = found.Answer;
            if (await verifications.AreTooMany(MailedCode.Purpose, asked.User.Id, ct))
                return false;
            var code = MailedCode.New(asked);
            verifications.IssueLimited(MailedCode.Purpose, code, MailedCode.Life, asked.User.Id);
            asked.Stream.AppendOne(new TwoFactorCodeSent(asked.User.Id, User.Now(clock)));
            await mailer.SendCode(MailKind.TwoFactorCode, asked.User.Email, command.Asker.BaseUrl, code.Code, MailedCode.Life);
            return true;
        }
    }
}
