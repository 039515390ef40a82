using MediatR;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.Logging;
using Modular.Identity.Contracts;
using Modular.Kernel;

namespace Modular.Identity;

/// <summary>
/// Somebody signs in by a provider: <c>POST /api/auth/sign-in/social</c>. Either the browser is sent there and comes back to
/// <see cref="FinishAtProvider"/>, or the client has an id token already.
/// </summary>
internal static class SignInWithProvider
{
    internal sealed record Request(ProviderRequest Flow, string? NewUserUrl) : IWireInput<Request>
    {
        public static Request Read(WireBody body) =>
            new(ProviderRequest.Read(body), ProviderRequest.NotEmpty(body.OptionalString("newUserCallbackURL")));
    }

    internal sealed record DepartCommand(ProviderState State) : IRequest<string>;

    internal sealed record EnterCommand(Arrival Arrival) : IRequest<Outcome<Arrived>>, IIdempotent;

    internal sealed record Response(bool Redirect, string Token, SessionPrincipal User);

    internal sealed class Endpoint(ILogger<Endpoint> log) : ICarterModule
    {
        public void AddRoutes(IEndpointRouteBuilder app) => app.MapAuthPost("/sign-in/social", async (
            Request request, HttpContext context, Caller caller, Providers providers, ProviderFlow flow, SessionCookies cookies,
            IMediator mediator, CancellationToken ct) =>
        {
            if (providers.Find(request.Flow.Provider) is not { } provider)
                return ProviderRefusals.ProviderNotFound.ToHttp();
            if (request.Flow.IdToken is { } given)
            {
                var arrival = await ProviderFlow.Introduce(provider, request.Flow, given, ct);
                return arrival.Refusal is { } unknown
                    ? unknown.ToHttp()
                    : await Enter(context, flow.With(context, caller, arrival.Answer, request.Flow.CallbackUrl), cookies, mediator, ct);
            }

            try
            {
                var entrance = await provider.Entrance(ct);
                var state = flow.NewState(context, request.Flow, request.NewUserUrl, linkTo: null);
                return flow.Depart(context, entrance, request.Flow, state, await mediator.Send(new DepartCommand(state), ct));
            }
            catch (ProviderException failure)
            {
                log.LogWarning("Nobody can be sent to {Provider}: {Why}", provider.Id, failure.Message);
                return ProviderRefusals.Unreachable.ToHttp();
            }
        });

        private static async Task<IResult> Enter(
            HttpContext context, Arrival arrival, SessionCookies cookies, IMediator mediator, CancellationToken ct)
        {
            var outcome = await ProviderRefusals.Insist(() => mediator.Send(new EnterCommand(arrival), ct));
            if (outcome.Refusal is { } refusal)
                return ProviderRefusals.ToJson(refusal).ToHttp();
            if (outcome.Answer is not { Session: { } session, User: var user })
                return ProviderRefusals.ToJson(ProviderRefusals.NotVerified).ToHttp();
            cookies.Start(context, session.Token, session.CookieLifetime);
            return WireJson.Ok(new Response(false, session.Token, user));
        }
    }

    internal sealed class DepartHandler(Verifications verifications) : IRequestHandler<DepartCommand, string>
    {
        public Task<string> Handle(DepartCommand command, CancellationToken ct) =>
            Task.FromResult(verifications.Issue(ProviderState.Purpose, command.State, ProviderState.Life));
    }

    internal sealed class EnterHandler(ProviderSignIn signIn) : IRequestHandler<EnterCommand, Outcome<Arrived>>
    {
        public Task<Outcome<Arrived>> Handle(EnterCommand command, CancellationToken ct) => signIn.Enter(command.Arrival, ct);
    }
}
