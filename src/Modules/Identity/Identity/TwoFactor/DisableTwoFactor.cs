using MediatR;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Modular.Kernel;
using Modular.Sessions.Contracts;
using Modular.Store;

namespace Modular.Identity;

/// <summary>A user goes without a second factor: <c>POST /api/auth/two-factor/disable</c>. No device is trusted any more, and this one gets a new session.</summary>
internal static class DisableTwoFactor
{
    internal sealed record Request(string Password) : IWireInput<Request>
    {
        public static Request Read(WireBody body) => new(body.RequiredString("password"));
    }

    internal sealed record Command(Asker Asker, string Password) : IRequest<Outcome<StartedSession>>, IIdempotent;

    internal sealed class Endpoint(SecondFactorCookies factor, SessionCookies cookies, PublicAddress address) : ICarterModule
    {
        public void AddRoutes(IEndpointRouteBuilder app) => app
            .MapAuthPost("/two-factor/disable", async (Request request, HttpContext context, IMediator mediator, CancellationToken ct) =>
            {
                var asker = await Asker.Of(context, factor, cookies, address);
                var outcome = await mediator.Send(new Command(asker, request.Password), ct);
                return outcome.ToHttp(session =>
                {
                    cookies.Start(context, session.Token, session.CookieLifetime);
                    factor.EndTrust(context);
                    return WireJson.Ok(new { Status = true });
                });
            })
            .RequireSession()
            .WithName(nameof(DisableTwoFactor))
            .PartOf(AuthGroup.TwoFactor);
    }

    internal sealed class Handler(IDocumentSession store, OwnPassword own, TwoFactorSwitch factor) : IRequestHandler<Command, Outcome<StartedSession>>
    {
        public async Task<Outcome<StartedSession>> Handle(Command command, CancellationToken ct)
        {
            var session = command.Asker.Session!;
            var stream = await store.Events.FetchForWriting<User>(session.UserId, ct);
            if (stream.Aggregate is not { } user)
                return Refusal.Unauthorized();
            if (await own.Check(user.Id, command.Password, "disable_two_factor", OwnPassword.Wrong, ct) is { Refusal: { } refusal })
                return refusal;
            await factor.TurnOff(stream, user, "self", command.Asker.BaseUrl, ct);
            return await factor.Replace(session, command.Asker.Remember, "two_factor_disabled", ct) is { } started ? started : Refusal.Unauthorized();
        }
    }
}
