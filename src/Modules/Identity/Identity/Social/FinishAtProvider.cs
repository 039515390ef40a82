using MediatR;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.Logging;
using Modular.Kernel;
using Modular.Sessions.Contracts;
using Modular.Store;

namespace Modular.Identity;

/// <summary>
/// A browser comes back from a provider: <c>GET /api/auth/callback/{provider}</c>. Whatever happens it is sent on, to where the
/// request wanted it or to its error page; codes and their order are those of contract §6.4.
/// </summary>
internal static class FinishAtProvider
{
    /// <summary>Uses up the state: of several returns with one only the first counts.</summary>
    internal sealed record TakeCommand(string State) : IRequest<ProviderState?>, IIdempotent;

    internal sealed record EnterCommand(Arrival Arrival) : IRequest<Outcome<Arrived>>, IIdempotent;

    /// <param name="Target">Who wanted it, in which session.</param>
    /// <param name="SessionId">The session that the browser came back with.</param>
    internal sealed record LinkCommand(LinkTarget Target, string? SessionId, Arrival Arrival) : IRequest<Outcome>, IIdempotent;

    /// <summary>What the provider sent the browser back with.</summary>
    internal sealed record Answer(string? State, string? Code, string? Error, string? Description, string? Issuer)
    {
        /// <summary>Null when a parameter comes twice: which of them counts would be a guess (RFC 6749 3.1).</summary>
        public static Answer? Read(IQueryCollection query)
        {
            string[] names = ["state", "code", "error", "error_description", "iss"];
            if (names.Any(name => query[name].Count > 1))
                return null;
            return new(Value("state"), Value("code"), Value("error"), Value("error_description"), Value("iss"));
            string? Value(string name) => query[name].ToString() is { Length: > 0 } text ? text : null;
        }
    }

    internal sealed class Endpoint(Providers providers, ProviderFlow flow, SessionCookies cookies, ILogger<Endpoint> log) : ICarterModule
    {
        public void AddRoutes(IEndpointRouteBuilder app) => app.MapAuthGet("/callback/{provider}", async (
            string provider, HttpContext context, Caller caller, Verifications verifications, IMediator mediator, CancellationToken ct) =>
        {
            if (Answer.Read(context.Request.Query) is not { } answer)
                return Redirect(flow.ErrorPage(context), "invalid_callback_request");
            if (answer.State is null)
                return Redirect(flow.ErrorPage(context), "state_not_found");
            var found = await verifications.FindEvenExpired<ProviderState>(ProviderState.Purpose, answer.State, ct);
            var errorUrl = found?.Payload.ErrorUrl ?? flow.ErrorPage(context);
            if (found is not { IsExpired: false } || !flow.IsSameBrowser(context, answer.State))
                return Redirect(errorUrl, "state_mismatch");

            flow.Forget(context);
            if (await mediator.Send(new TakeCommand(answer.State), ct) is not { } state)
                return Redirect(errorUrl, "state_mismatch");
            if (answer.Error is not null)
                return Redirect(errorUrl, answer.Error, answer.Description);
            var arrival = await Receive(context, provider, state, answer, ct);
            if (arrival.Refusal is { } refusal)
                return Redirect(errorUrl, refusal.Code);
            try
            {
                return state.LinkTo is { } target
                    ? await Link(context, state, target, arrival.Answer, mediator, errorUrl, ct)
                    : await Enter(context, state, flow.With(context, caller, arrival.Answer, state.CallbackUrl), mediator, errorUrl, ct);
            }
            catch (ConcurrencyException)
            {
                // Lost more races than a person could start.
                return Redirect(errorUrl, "internal_server_error");
            }
        });

        /// <summary>The talk with the provider; no unit of work is open meanwhile.</summary>
        private async Task<Outcome<Arrival>> Receive(HttpContext context, string id, ProviderState state, Answer answer, CancellationToken ct)
        {
            if (answer.Code is null)
                return Refusal.BadRequest("no_code");
            if (providers.Find(id) is not { } provider)
                return Refusal.BadRequest("oauth_provider_not_found");

            // Two providers must not be mixed up: RFC 9700 4.4.
            if (state.ProviderId != id)
                return Refusal.BadRequest("state_mismatch");
            var failure = "invalid_code";
            try
            {
                if (!await provider.IsFrom(answer.Issuer, ct))
                    return Refusal.BadRequest("issuer_mismatch");
                var tokens = await provider.Exchange(answer.Code, state.Verifier, flow.RedirectUri(context, id), ct);
                failure = "unable_to_get_user_info";
                return new Arrival(id, await provider.Identify(tokens, state.Nonce, null, ct), tokens, state.RequestsSignUp);
            }
            catch (ProviderException wrong)
            {
                log.LogWarning("Nobody is let in by {Provider}: {Why}", id, wrong.Message);
                return Refusal.BadRequest(failure);
            }
        }

        private async Task<IResult> Enter(
            HttpContext context, ProviderState state, Arrival arrival, IMediator mediator, string errorUrl, CancellationToken ct)
        {
            var outcome = await ProviderRefusals.Insist(() => mediator.Send(new EnterCommand(arrival), ct));
            if (outcome.Refusal is { } refusal)
                return Redirect(errorUrl, refusal);
            if (outcome.Answer.Session is not { } session)
                return Redirect(errorUrl, ProviderRefusals.NotVerified);
            cookies.Start(context, session.Token, session.CookieLifetime);
            return WireJson.Redirect(outcome.Answer.IsNew ? state.NewUserUrl ?? state.CallbackUrl : state.CallbackUrl);
        }

        private static async Task<IResult> Link(
            HttpContext context, ProviderState state, LinkTarget target, Arrival arrival, IMediator mediator, string errorUrl, CancellationToken ct)
        {
            var session = await SignedInExtensions.Identify(context);
            var outcome = await ProviderRefusals.Insist(() => mediator.Send(new LinkCommand(target, session?.SessionId, arrival), ct));
            return outcome.Refusal is { } refusal ? Redirect(errorUrl, refusal) : WireJson.Redirect(state.CallbackUrl);
        }

        // Only a ban is explained: its code is an API's, as upstream has it.
        private static IResult Redirect(string url, Refusal refusal) => refusal switch
        {
            _ when refusal == ProviderRefusals.Banned => Redirect(url, refusal.Code, refusal.Message),
            _ when refusal == ProviderRefusals.Overtaken => Redirect(url, "internal_server_error"),
            _ => Redirect(url, refusal.Code),
        };

        private static IResult Redirect(string url, string error, string? description = null) =>
            WireJson.Redirect(QueryText.Append(url, ("error", error), ("error_description", description)));
    }

    internal sealed class TakeHandler(Verifications verifications) : IRequestHandler<TakeCommand, ProviderState?>
    {
        public async Task<ProviderState?> Handle(TakeCommand command, CancellationToken ct)
        {
            var state = await verifications.Find<ProviderState>(ProviderState.Purpose, command.State, ct);
            if (state is not null)
                verifications.Consume(ProviderState.Purpose, command.State);
            return state;
        }
    }

    internal sealed class EnterHandler(ProviderSignIn signIn) : IRequestHandler<EnterCommand, Outcome<Arrived>>
    {
        public Task<Outcome<Arrived>> Handle(EnterCommand command, CancellationToken ct) => signIn.Enter(command.Arrival, ct);
    }

    internal sealed class LinkHandler(AccountLinking linking, IMediator mediator) : IRequestHandler<LinkCommand, Outcome>
    {
        // Ending a session ends what was begun in it: whoever took it over must not leave with a way in of their own.
        public async Task<Outcome> Handle(LinkCommand command, CancellationToken ct) =>
            command.Target is { UserId: var userId, SessionId: { } sessionId } && sessionId == command.SessionId
                && await mediator.Send(new HoldSession(sessionId, userId), ct)
                ? await linking.Link(userId, command.Arrival, ct)
                : linking.RefuseEndedSession(command.Target.UserId, command.Arrival.ProviderId);
    }
}
