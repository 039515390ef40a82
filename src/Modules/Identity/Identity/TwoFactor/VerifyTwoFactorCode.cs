using MediatR;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Modular.Identity.Contracts;
using Modular.Kernel;
using Modular.Store;

namespace Modular.Identity;

/// <summary>
/// Somebody shows the code that was mailed to them: <c>POST /api/auth/two-factor/verify-otp</c>. Signs in after the password;
/// shown by somebody signed in without a second factor, mailed codes are theirs from now on.
/// </summary>
internal static class VerifyTwoFactorCode
{
    internal sealed record Request(string Code, bool? TrustDevice) : IWireInput<Request>
    {
        public static Request Read(WireBody body) => new(body.RequiredString("code"), body.OptionalBool("trustDevice"));
    }

    internal sealed record Command(Asker Asker, string Code, bool Trust) : IRequest<Outcome<CodeAccepted>>, IIdempotent;

    internal sealed record Response(string? Token, SessionPrincipal User);

    internal static readonly Refusal Expired = Refusal.BadRequest("OTP_HAS_EXPIRED", "OTP has expired");

    internal sealed class Endpoint(SecondFactorCookies factor, SessionCookies cookies, PublicAddress address) : ICarterModule
    {
        public void AddRoutes(IEndpointRouteBuilder app) => app
            .MapAuthPost("/two-factor/verify-otp", async (Request request, HttpContext context, IMediator mediator, CancellationToken ct) =>
            {
                var asker = await Asker.Of(context, factor, cookies, address);
                var outcome = await mediator.Send(new Command(asker, request.Code, request.TrustDevice ?? false), ct);
                return outcome.ToHttp(accepted =>
                {
                    factor.Passed(context, accepted);
                    return WireJson.Ok(new Response(accepted.Session?.Token ?? cookies.ReadToken(context), accepted.User));
                });
            })
            .WithName(nameof(VerifyTwoFactorCode))
            .PartOf(AuthGroup.TwoFactor);
    }

    internal sealed class Handler(IDocumentSession store, CodeCheck check, MailedCodes codes, Verifications verifications, TwoFactorSwitch factor)
        : IRequestHandler<Command, Outcome<CodeAccepted>>
    {
        public async Task<Outcome<CodeAccepted>> Handle(Command command, CancellationToken ct)
        {
            var found = await check.Find(command.Asker, ct);
            if (found.Refusal is { } unknown)
                return unknown;
            var asked = found.Answer;
            if (await codes.Latest(asked, ct) is not { } mailed)
                return Expired;
            if (await check.Count(asked, SecondFactor.Otp, mailed.Id, ct) is { } tooMany)
                return tooMany;
            if (!mailed.Code.Is(command.Code))
                return check.Wrong(asked, SecondFactor.Otp, CodeCheck.InvalidCode);

            store.QueueSqlCommand(1, "delete from identity.mt_doc_verification where id = ?", mailed.Id);
            verifications.Revoke(MailedCode.Purpose, asked.User.Id);
            var accepted = await check.Right(asked, SecondFactor.Otp, command.Trust, ct);
            return accepted.Refusal is not null || asked.User.TwoFactorEnabled ? accepted : await PutInForce(asked, ct);
        }

        private async Task<Outcome<CodeAccepted>> PutInForce(Asked asked, CancellationToken ct)
        {
            // A challenge outlives no second factor, so whoever is here without one is signed in.
            if (asked.Asker.Session is not { } session)
                return CodeCheck.InvalidCookie;
            var user = await factor.TurnOn(asked.Stream, asked.User, SecondFactor.Otp, asked.Asker.BaseUrl);
            return await factor.Replace(session, asked.Asker.Remember, "two_factor_enabled", ct) is { } started
                ? new CodeAccepted(user.ToPrincipal(), started)
                : Refusal.Unauthorized();
        }
    }
}
