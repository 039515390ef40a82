using MediatR;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Modular.Kernel;

namespace Modular.Identity;

/// <summary>
/// The link of the deletion mail is opened, in the browser in which the user is signed in:
/// <c>GET /api/auth/delete-user/callback</c>.
/// </summary>
internal static class ConfirmUserDeletion
{
    internal sealed record Request(string Token, string? CallbackUrl) : IWireInput<Request>
    {
        public static Request Read(WireBody query) => new(query.RequiredString("token"), query.OptionalString("callbackURL"));
    }

    internal sealed record Command(string UserId, string Token, string BaseUrl) : IRequest<Outcome>, IIdempotent;

    internal static readonly Refusal InvalidToken = Refusal.NotFound("INVALID_TOKEN", "Invalid token");

    internal static readonly Refusal SignedOut = Refusal.NotFound("FAILED_TO_GET_USER_INFO", "Failed to get user info");

    internal sealed class Endpoint(PublicAddress address, SessionCookies cookies) : ICarterModule
    {
        public void AddRoutes(IEndpointRouteBuilder app) => app
            .MapAuthGet(
                "/delete-user/callback",
                async (Request request, HttpContext context, IMediator mediator, CancellationToken ct) =>
                {
                    if (await SignedInExtensions.Identify(context) is not { } session)
                        return SignedOut.ToHttp();
                    var outcome = await mediator.Send(new Command(session.UserId, request.Token, address.For(context).ToString()), ct);
                    return outcome.ToHttp(() =>
                    {
                        cookies.Clear(context);
                        return string.IsNullOrEmpty(request.CallbackUrl)
                            ? WireJson.Ok(new { Success = true, Message = "User deleted" })
                            : WireJson.Redirect(request.CallbackUrl);
                    });
                },
                "callbackURL")
            .WithName(nameof(ConfirmUserDeletion));
    }

    internal sealed class Handler(DeletionRecord record, Removal removal) : IRequestHandler<Command, Outcome>
    {
        public async Task<Outcome> Handle(Command command, CancellationToken ct)
        {
            if ((await record.Check(command.UserId, command.Token, InvalidToken, ct) ?? await record.Spare(command.UserId, ct)) is { } refusal)
                return refusal;
            return await removal.Remove(command.UserId, "self_by_mail", command.BaseUrl, ct) ? Outcome.Done : InvalidToken;
        }
    }
}
