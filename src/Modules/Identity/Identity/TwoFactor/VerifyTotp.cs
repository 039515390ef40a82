using MediatR;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Modular.Identity.Contracts;
using Modular.Kernel;
using Modular.Store;

namespace Modular.Identity;

/// <summary>
/// Somebody shows a code of their authenticator app: <c>POST /api/auth/two-factor/verify-totp</c>. Signs in after the
/// password; the first one puts the app in force. A code is accepted once (ASVS 5.0 6.5.1).
/// </summary>
internal static class VerifyTotp
{
    internal sealed record Request(string Code, bool? TrustDevice) : IWireInput<Request>
    {
        public static Request Read(WireBody body) => new(body.RequiredString("code"), body.OptionalBool("trustDevice"));
    }

    internal sealed record Command(Asker Asker, string Code, bool Trust) : IRequest<Outcome<CodeAccepted>>, IIdempotent;

    internal sealed record Response(string? Token, SessionPrincipal User);

    /// <param name="Step">When the code was made; null: never.</param>
    /// <param name="IsNext">It is of the key that is to take the place of the current one.</param>
    /// <param name="WasUsed">It, or a later one, was accepted before.</param>
    internal sealed record Match(long? Step, bool IsNext, bool WasUsed);

    internal sealed class Endpoint(SecondFactorCookies factor, SessionCookies cookies, PublicAddress address) : ICarterModule
    {
        public void AddRoutes(IEndpointRouteBuilder app) => app
            .MapAuthPost("/two-factor/verify-totp", async (Request request, HttpContext context, IMediator mediator, CancellationToken ct) =>
            {
                var asker = await Asker.Of(context, factor, cookies, address);
                var outcome = await mediator.Send(new Command(asker, request.Code, request.TrustDevice ?? false), ct);
                if (outcome.Refusal == CodeCheck.TooMany)
                    factor.EndChallenge(context);
                return outcome.ToHttp(accepted =>
                {
                    factor.Passed(context, accepted);
                    // Who was signed in is told of the session and the user as they were (contract §7.3).
                    var token = accepted.EndsChallenge ? accepted.Session!.Token : cookies.ReadToken(context);
                    return WireJson.Ok(new Response(token, accepted.User));
                });
            })
            .WithName(nameof(VerifyTotp))
            .PartOf(AuthGroup.TwoFactor);
    }

    internal sealed class Handler(IDocumentSession store, CodeCheck check, TwoFactorSwitch factor, AuthenticatorKeys keys, TimeProvider clock)
        : IRequestHandler<Command, Outcome<CodeAccepted>>
    {
        public async Task<Outcome<CodeAccepted>> Handle(Command command, CancellationToken ct)
        {
            var found = await check.Find(command.Asker, ct);
            if (found.Refusal is { } unknown)
                return unknown;
            var asked = found.Answer;
            if (await store.LoadAsync<Authenticator>(asked.User.Id, ct) is not { } app || (asked.IsSignIn && !app.IsVerified))
                return CodeCheck.NoApp;
            if (await check.Count(asked, SecondFactor.Totp, asked.Asker.Challenge, ct) is { } tooMany)
                return tooMany;
            var (current, next) = (keys.Open(asked.User.Id, app.Current), asked.IsSignIn ? null : keys.Open(asked.User.Id, app.Next));
            if (Decide(current, next, app.LastStep, command.Code, clock.GetUtcNow()) is not { Step: { } step, WasUsed: false } match)
                return check.Wrong(asked, SecondFactor.Totp, CodeCheck.InvalidCode, IsUsed(current, app, command.Code) ? "used_code" : "wrong_code");

            var isNew = match.IsNext || !app.IsVerified;
            store.Store(isNew ? app.Verify(step) : app with { LastStep = step });
            var accepted = await check.Right(asked, SecondFactor.Totp, command.Trust, ct);
            return accepted.Refusal is not null || !isNew ? accepted : await PutInForce(asked, accepted.Answer, ct);
        }

        private bool IsUsed(byte[]? current, Authenticator app, string code) =>
            Decide(current, null, app.LastStep, code, clock.GetUtcNow()).WasUsed;

        private async Task<Outcome<CodeAccepted>> PutInForce(Asked asked, CodeAccepted accepted, CancellationToken ct)
        {
            if (asked.User.TwoFactorEnabled)
            {
                await factor.TellEnabled(asked.User, asked.Asker.BaseUrl);
                return accepted;
            }

            await factor.TurnOn(asked.Stream, asked.User, SecondFactor.Totp, asked.Asker.BaseUrl);
            return await factor.Replace(asked.Asker.Session!, asked.Asker.Remember, "two_factor_enabled", ct) is { } session
                ? accepted with { Session = session }
                : Refusal.Unauthorized();
        }
    }

    /// <summary>A code of the next key puts it in force, so that one is looked at first.</summary>
    internal static Match Decide(byte[]? current, byte[]? next, long lastStep, string code, DateTimeOffset now)
    {
        if (next is not null && Totp.Find(next, code, now) is { } first)
            return new Match(first, IsNext: true, WasUsed: false);
        var step = current is null ? null : Totp.Find(current, code, now);
        return new Match(step, IsNext: false, WasUsed: step <= lastStep);
    }
}
