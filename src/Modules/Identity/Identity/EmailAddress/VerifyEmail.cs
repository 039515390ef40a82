using MediatR;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Modular.Identity.Contracts;
using Modular.Kernel;
using Modular.Sessions.Contracts;
using Modular.Store;

namespace Modular.Identity;

/// <summary>
/// The link of a verification mail is opened: <c>GET /api/auth/verify-email</c>. It verifies the user's address, or
/// changes it. Opening the first kind again succeeds again; the second works once.
/// </summary>
internal static class VerifyEmail
{
    internal sealed record Request(string Token, string? CallbackUrl) : IWireInput<Request>
    {
        public static Request Read(WireBody query) => new(query.RequiredString("token"), query.OptionalString("callbackURL"));
    }

    /// <param name="SignedInUserId">Whose session the browser has; null: none.</param>
    internal sealed record Command(string Token, string? CallbackUrl, string BaseUrl, string? SignedInUserId) : IRequest<Outcome<Verified>>, IIdempotent;

    /// <param name="User">As they are now, when their address has changed.</param>
    /// <param name="Session">One that the link started.</param>
    internal sealed record Verified(SessionPrincipal? User, StartedSession? Session);

    internal sealed record Response(bool Status, SessionPrincipal? User);

    internal static readonly Refusal InvalidToken = Refusal.Unauthorized("INVALID_TOKEN", "Invalid token");
    internal static readonly Refusal Expired = Refusal.Unauthorized("TOKEN_EXPIRED", "Token expired");
    internal static readonly Refusal UserGone = Refusal.Unauthorized("USER_NOT_FOUND", "User not found");
    internal static readonly Refusal OtherUser = Refusal.Unauthorized("INVALID_USER", "Invalid user");
    internal static readonly Refusal Taken = Refusal.Unauthorized("USER_ALREADY_EXISTS", "User already exists.");

    internal sealed class Endpoint(PublicAddress address, SessionCookies cookies) : ICarterModule
    {
        public void AddRoutes(IEndpointRouteBuilder app) => app
            .MapAuthGet(
                "/verify-email",
                async (Request request, HttpContext context, Caller caller, IMediator mediator, CancellationToken ct) =>
                {
                    await SignedInExtensions.Identify(context);
                    var outcome = await mediator.Send(
                        new Command(request.Token, request.CallbackUrl, address.For(context).ToString(), caller.UserId), ct);
                    var callback = string.IsNullOrEmpty(request.CallbackUrl) ? null : request.CallbackUrl;
                    if (outcome.Refusal is { } refusal)
                        return callback is null ? refusal.ToHttp() : WireJson.Redirect(Urls.Append(callback, "error", refusal.Code));
                    SendCookie(context, outcome.Answer);
                    return callback is null ? WireJson.Ok(new Response(true, outcome.Answer.User)) : WireJson.Redirect(callback);
                },
                "callbackURL")
            .WithName(nameof(VerifyEmail));

        private void SendCookie(HttpContext context, Verified verified)
        {
            if (verified.Session is { } session)
                cookies.Start(context, session.Token, session.CookieLifetime);
            else if (verified.User is not null)
                cookies.Renew(context);
        }
    }

    internal sealed class Handler(
        IDocumentSession store, Verifications verifications, EmailVerification verification) : IRequestHandler<Command, Outcome<Verified>>
    {
        public async Task<Outcome<Verified>> Handle(Command command, CancellationToken ct)
        {
            var found = await verifications.FindEvenExpired<EmailTicket>(EmailTicket.Purpose, command.Token, ct)
                ?? await verifications.FindEvenExpired<EmailTicket>(EmailTicket.ChangePurpose, command.Token, ct);
            return found is { } known ? await Open(known.Payload, known.IsExpired, command, ct) : InvalidToken;
        }

        private async Task<Outcome<Verified>> Open(EmailTicket ticket, bool isExpired, Command command, CancellationToken ct)
        {
            var isSignedIn = command.SignedInUserId is not null;
            var stream = await store.Events.FetchForWriting<User>(ticket.UserId, ct);
            if (Decide(ticket, isExpired, stream.Aggregate, command.SignedInUserId) is { } refusal)
                return verification.Refused(stream.Aggregate, ticket, refusal);
            if (ticket.UpdateTo is not { } address)
                return new Verified(null, await verification.Verify(stream, ticket, isSignedIn, ct));

            verifications.Consume(EmailTicket.ChangePurpose, command.Token);
            if (ticket.IsConfirmation)
            {
                await verification.AskNewAddress(stream, ticket, command.CallbackUrl, command.BaseUrl);
                return new Verified(null, null);
            }

            verification.ExpectTaken(ticket.UserId, Taken);
            var (user, session) = await verification.Change(stream, address, command.BaseUrl, isSignedIn, ct);
            return new Verified(user.ToPrincipal(), session);
        }
    }

    internal static Refusal? Decide(EmailTicket ticket, bool isExpired, User? user, string? signedInUserId) =>
        isExpired ? Expired
        // Of somebody who has another address by now the link says nothing any more.
        : user is null || user.Email != ticket.Email ? UserGone
        : ticket.UpdateTo is not null && signedInUserId is not null && signedInUserId != user.Id ? OtherUser
        : null;
}
