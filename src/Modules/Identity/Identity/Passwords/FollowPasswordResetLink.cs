using MediatR;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Modular.Kernel;

namespace Modular.Identity;

/// <summary>
/// The link of the mail is opened: <c>GET /api/auth/reset-password/{token}</c> leads to the application's page with the
/// token, or with an error. It uses nothing up: mail scanners open links too.
/// </summary>
internal static class FollowPasswordResetLink
{
    internal sealed record Request(string CallbackUrl) : IWireInput<Request>
    {
        public static Request Read(WireBody query) => new(query.RequiredString("callbackURL"));
    }

    internal sealed record Query(string Token) : IRequest<bool>;

    internal sealed class Endpoint(PublicAddress address) : ICarterModule
    {
        public void AddRoutes(IEndpointRouteBuilder app) => app
            .MapAuthGet(
                "/reset-password/{token}",
                async (string token, Request request, HttpContext context, IMediator mediator, CancellationToken ct) =>
                {
                    var isGood = request.CallbackUrl.Length > 0 && await mediator.Send(new Query(token), ct);
                    var target = request.CallbackUrl.Length > 0 ? request.CallbackUrl : "/api/auth/error";
                    // A path is one of ours; a page elsewhere was named in full.
                    var url = TrustedUrls.IsRelative(target) ? address.OriginFor(context) + target : target;
                    return WireJson.Redirect(isGood ? Urls.Append(url, "token", token) : Urls.Append(url, "error", "INVALID_TOKEN"));
                },
                "callbackURL")
            .WithName(nameof(FollowPasswordResetLink));
    }

    internal sealed class Handler(Verifications verifications) : IRequestHandler<Query, bool>
    {
        public async Task<bool> Handle(Query query, CancellationToken ct) =>
            await verifications.Find<ResetTicket>(ResetTicket.Purpose, query.Token, ct) is not null;
    }
}
