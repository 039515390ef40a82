using System.Text.Json.Serialization;
using MediatR;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Modular.Identity.Contracts;
using Modular.Kernel;
using Modular.Store;

namespace Modular.Sessions;

/// <summary>
/// A device signs out: <c>POST /sign-out</c>. Succeeds for everybody, signed in or not. Whoever came from a provider may be
/// led on to sign out there too.
/// </summary>
internal static class SignOut
{
    internal sealed record Request(string? CallbackUrl, bool? DisableRedirect, string? State) : IWireInput<Request>
    {
        public static Request Read(WireBody body) =>
            new(body.OptionalString("callbackURL"), body.OptionalBool("disableRedirect"), body.OptionalString("state"));
    }

    internal sealed record Command(SessionToken Token) : IRequest<Outcome<Ended>>, IIdempotent;

    /// <param name="Session">Null: there was none that lived.</param>
    internal sealed record Ended(Session? Session);

    /// <param name="Url">Where the provider's own sign-out is.</param>
    internal sealed record Response(
        bool Success,
        [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] string? Url,
        [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] bool? Redirect);

    internal sealed class Endpoint(SessionCookies cookies, DeviceCookies devices, PublicAddress address) : ICarterModule
    {
        public void AddRoutes(IEndpointRouteBuilder app) => app
            .MapAuthPost("/sign-out", new AuthPost { BodyOptional = true }, async (
                Request request, HttpContext context, IMediator mediator, CancellationToken ct) =>
            {
                var outcome = cookies.ReadToken(context) is { } token
                    ? await mediator.Send(new Command(new SessionToken(token)), ct)
                    : new Ended(null);
                cookies.Clear(context);
                if (outcome.Refusal is { } refusal)
                    return refusal.ToHttp();
                // Whoever else is signed in on this browser leaves with them.
                foreach (var held in devices.Read(context))
                {
                    await mediator.Send(new Command(new SessionToken(held)), ct);
                    devices.Delete(context, held);
                }

                var url = outcome.Answer.Session is { } session ? await mediator.Send(Onward(request, session, context), ct) : null;
                var redirects = url is not null && request.DisableRedirect != true;
                if (redirects)
                    context.Response.Headers.Location = WireJson.Location(url!);
                return WireJson.Ok(new Response(true, url, url is null ? null : redirects));
            })
            .WithName(nameof(SignOut));

        private FindProviderSignOut Onward(Request request, Session session, HttpContext context)
        {
            var callback = string.IsNullOrEmpty(request.CallbackUrl) ? null : request.CallbackUrl;
            var returnTo = callback is not null && TrustedUrls.IsRelative(callback) ? address.OriginFor(context) + callback : callback;
            return new(session.UserId, session.Method, returnTo, request.State);
        }
    }

    internal sealed class Handler(IDocumentSession store, Caller caller, TimeProvider clock) : IRequestHandler<Command, Outcome<Ended>>
    {
        public async Task<Outcome<Ended>> Handle(Command command, CancellationToken ct)
        {
            var found = await store.QueryAsync<Session>("where d.token_hash = ?", ct, command.Token.Hash);
            if (found.Count == 0)
                return new Ended(null);
            var stream = await store.Events.FetchForWriting<Session>(found[0].Id, ct);
            if (stream.Aggregate is not { } session || Decide(session, clock.GetUtcNow()) is not { } signedOut)
                return new Ended(null);

            // Nobody asked for the session before: whoever holds its token is its user.
            (caller.UserId, caller.SessionId) = (session.UserId, session.Id);
            stream.AppendOne(signedOut);
            return new Ended(session);
        }
    }

    /// <summary>A session that ran out of time is left to <see cref="PruneExpiredSessions"/>: it did not end by signing out.</summary>
    internal static SessionSignedOut? Decide(Session session, DateTimeOffset now) =>
        session.IsOver(now) ? null : new SessionSignedOut(session.Id, session.UserId, now);
}
