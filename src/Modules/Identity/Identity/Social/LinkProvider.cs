using MediatR;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.Logging;
using Modular.Kernel;

namespace Modular.Identity;

/// <summary>
/// A user adds a provider's account to their own: <c>POST /api/auth/link-social</c>. As in <see cref="SignInWithProvider"/> the
/// browser is sent there and comes back, or the client has an id token already.
/// </summary>
internal static class LinkProvider
{
    internal sealed record Request(ProviderRequest Flow) : IWireInput<Request>
    {
        public static Request Read(WireBody body) => new(ProviderRequest.Read(body));
    }

    internal sealed record DepartCommand(ProviderState State) : IRequest<string>;

    internal sealed record LinkCommand(string UserId, Arrival Arrival) : IRequest<Outcome>, IIdempotent;

    internal sealed class Endpoint(ILogger<Endpoint> log) : ICarterModule
    {
        public void AddRoutes(IEndpointRouteBuilder app) => app
            .MapAuthPost("/link-social", async (
                Request request, HttpContext context, Caller caller, Providers providers, ProviderFlow flow, IMediator mediator,
                CancellationToken ct) =>
            {
                if (providers.Find(request.Flow.Provider) is not { } provider)
                    return ProviderRefusals.ProviderNotFound.ToHttp();
                if (request.Flow.IdToken is { } given)
                    return await Link(caller, await ProviderFlow.Introduce(provider, request.Flow, given, ct), mediator, ct);
                try
                {
                    var entrance = await provider.Entrance(ct);
                    var state = flow.NewState(context, request.Flow, null, new LinkTarget(caller.UserId!, caller.SessionId));
                    return flow.Depart(context, entrance, request.Flow, state, await mediator.Send(new DepartCommand(state), ct));
                }
                catch (ProviderException failure)
                {
                    log.LogWarning("Nobody can be sent to {Provider}: {Why}", provider.Id, failure.Message);
                    return ProviderRefusals.Unreachable.ToHttp();
                }
            })
            .RequireSession();

        private static async Task<IResult> Link(Caller caller, Outcome<Arrival> arrival, IMediator mediator, CancellationToken ct)
        {
            if (arrival.Refusal is { } unknown)
                return unknown.ToHttp();
            if (arrival.Answer.Person.Email is null)
                return ProviderRefusals.EmailMissing.ToHttp();
            var outcome = await ProviderRefusals.Insist(() => mediator.Send(new LinkCommand(caller.UserId!, arrival.Answer), ct));
            return outcome.Refusal is { } refusal
                ? ProviderRefusals.ToLinkJson(refusal).ToHttp()
                : WireJson.Ok(new { Url = "", Status = true, Redirect = false });
        }
    }

    internal sealed class DepartHandler(Verifications verifications) : IRequestHandler<DepartCommand, string>
    {
        // Of the user, so that it ends with them.
        public Task<string> Handle(DepartCommand command, CancellationToken ct) => Task.FromResult(
            verifications.Issue(ProviderState.Purpose, command.State, ProviderState.Life, command.State.LinkTo!.UserId));
    }

    internal sealed class LinkHandler(AccountLinking linking) : IRequestHandler<LinkCommand, Outcome>
    {
        public Task<Outcome> Handle(LinkCommand command, CancellationToken ct) => linking.Link(command.UserId, command.Arrival, ct);
    }
}
