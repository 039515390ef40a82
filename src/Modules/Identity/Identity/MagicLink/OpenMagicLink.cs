using MediatR;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Modular.Identity.Contracts;
using Modular.Kernel;
using Modular.Sessions.Contracts;

namespace Modular.Identity;

/// <summary>
/// The link of a mail is opened and signs in, once, or up: <c>GET /api/auth/magic-link/verify</c>. Leads to the application's
/// page, or to its page for errors.
/// </summary>
internal static class OpenMagicLink
{
    internal sealed record Request(string Token, string? CallbackUrl, string? NewUserCallbackUrl, string? ErrorCallbackUrl) : IWireInput<Request>
    {
        public static Request Read(WireBody query) => new(
            query.RequiredString("token"), query.OptionalString("callbackURL"), query.OptionalString("newUserCallbackURL"),
            query.OptionalString("errorCallbackURL"));
    }

    internal sealed record Command(string Token) : IRequest<Outcome<Entered>>, IIdempotent;

    internal sealed record Response(string Token, SessionPrincipal User, WireSession Session);

    internal static readonly Refusal InvalidToken = Refusal.BadRequest("INVALID_TOKEN", "Invalid token");

    internal sealed class Endpoint(PublicAddress address, SessionCookies cookies) : ICarterModule
    {
        public void AddRoutes(IEndpointRouteBuilder app) => app
            .MapAuthGet(
                "/magic-link/verify",
                async (Request request, HttpContext context, IMediator mediator, CancellationToken ct) =>
                {
                    var outcome = await ProviderRefusals.Insist(() => mediator.Send(new Command(request.Token), ct));
                    if (outcome.Refusal is { } refusal)
                        return refusal == Admission.Banned ? refusal.ToHttp() : WireJson.Redirect(ErrorUrl(request, refusal, context));
                    var (session, user) = outcome.Answer.SignedIn;
                    cookies.Start(context, session.Token, session.CookieLifetime);
                    if (string.IsNullOrEmpty(request.CallbackUrl))
                        return WireJson.Ok(new Response(session.Token, user, session.View));
                    var isGreeted = outcome.Answer.IsNew && !string.IsNullOrEmpty(request.NewUserCallbackUrl);
                    return WireJson.Redirect(Absolute(isGreeted ? request.NewUserCallbackUrl! : request.CallbackUrl, context));
                },
                "callbackURL", "newUserCallbackURL", "errorCallbackURL")
            .WithName(nameof(OpenMagicLink))
            .PartOf(AuthGroup.MagicLink);

        private string ErrorUrl(Request request, Refusal refusal, HttpContext context)
        {
            var target = ((string?[])[request.ErrorCallbackUrl, request.CallbackUrl, "/"]).First(url => !string.IsNullOrEmpty(url))!;
            return Urls.Append(Absolute(target, context), "error", refusal == ProviderRefusals.Overtaken ? "failed_to_create_user" : refusal.Code);
        }

        // A path is one of ours; a page elsewhere was named in full.
        private string Absolute(string url, HttpContext context) => TrustedUrls.IsRelative(url) ? address.OriginFor(context) + url : url;
    }

    internal sealed class Handler(Verifications verifications, MailboxSignIn mailbox, TimeProvider clock)
        : IRequestHandler<Command, Outcome<Entered>>
    {
        public async Task<Outcome<Entered>> Handle(Command command, CancellationToken ct)
        {
            if (await verifications.FindEvenExpired<MagicLinkTicket>(MagicLinkTicket.Purpose, command.Token, ct) is not { } found)
                return InvalidToken;
            if (found.IsExpired)
                return await Expired(found.Payload, ct);
            verifications.Consume(MagicLinkTicket.Purpose, command.Token);
            return await mailbox.Enter(
                new NewUser(found.Payload.Name ?? "", found.Payload.Email), "magic-link", user => new MagicLinkUsed(user.Id, User.Now(clock)), ct);
        }

        private async Task<Outcome<Entered>> Expired(MagicLinkTicket ticket, CancellationToken ct)
        {
            await mailbox.Failed(ticket.Email, "link_expired", ct);
            return InvalidToken;
        }
    }
}

/// <summary>A user signed in, or up, by a link from a mail.</summary>
internal sealed record MagicLinkUsed(string UserId, DateTimeOffset At);
