using System.Data.Common;
using MediatR;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Modular.Identity.Contracts;
using Modular.Kernel;
using Modular.Store;

namespace Modular.Sessions;

/// <summary>The session behind a request, and its user.</summary>
/// <param name="KeyId">The API key that acts in its place; null: none does.</param>
internal sealed record LiveSession(SessionToken Token, Session Session, SessionPrincipal User, string? KeyId = null)
{
    /// <summary>What was last signed for it; null: nothing yet.</summary>
    public SignedJwt? Jwt { get; set; }

    /// <summary>The one that <see cref="SignedInExtensions.RequireSession"/> let through.</summary>
    public static LiveSession Of(HttpContext context) => (LiveSession)context.Items[typeof(LiveSession)]!;

    public bool IsLive(DateTimeOffset now) => !Session.IsOver(now) && !(User.Banned && !(User.BanExpires <= now));
}

/// <summary>
/// The session check of every route (contract §2): cookie, signature, hash of the token, one query; a refresh where it
/// is due. A request checks once, whoever asks.
/// </summary>
internal sealed partial class ActiveSessions(
    SessionRows rows, LiveSessions known, SessionCookies cookies, SessionJwt jwt, RefusedRequests refused, IServiceScopeFactory scopes, IOptions<AuthOptions> options, TimeProvider clock, ILogger<ActiveSessions> log)
    : IActiveSessions
{
    public async Task<ActiveSession?> Find(HttpContext context, CancellationToken ct) =>
        await Check(context, mayRefresh: true, ct) is { Session: var session, User: var user, KeyId: var key }
            ? new ActiveSession(
                session.Id, user.Id, session.ActiveOrganizationId, user.Role.Split(','), session.CreatedAt, session.ActiveTeamId, session.ImpersonatedBy, key)
            : null;

    /// <summary>The session of the request's cookie, or null; sends and clears cookies as the contract wants it.</summary>
    public async Task<LiveSession?> Check(HttpContext context, bool mayRefresh, CancellationToken ct)
    {
        if (context.Items.TryGetValue(typeof(LiveSession), out var known))
            return (LiveSession?)known;
        var live = await Look(context, mayRefresh, ct);
        context.Items[typeof(LiveSession)] = live;
        return live;
    }

    private async Task<LiveSession?> Look(HttpContext context, bool mayRefresh, CancellationToken ct)
    {
        // A forged cookie is none: it is not even cleared.
        if (cookies.ReadToken(context) is not { } text)
        {
            if (cookies.IsCookieSent(context))
                refused.Count(RefusedKind.ForgedCookie, context);
            return null;
        }

        var now = clock.GetUtcNow();
        var live = await Find(context, new SessionToken(text), now, ct);
        if (live?.IsLive(now) == true)
        {
            var isDue = mayRefresh && RefreshSession.Decide(live.Session, options.Value, now) is not null && !cookies.IsNotRemembered(context);
            live = isDue ? await Refresh(context, live, now, ct) : live;
            if (live is not null)
                return live;
        }

        cookies.Clear(context);
        refused.Count(RefusedKind.UnknownToken, context);
        return null;
    }

    /// <summary>The live session of a token, whoever asks; null when it is over. Refreshes nothing.</summary>
    public async Task<LiveSession?> FindLive(SessionToken token, CancellationToken ct)
    {
        var now = clock.GetUtcNow();
        var found = (Remembered(token, now) ?? await Ask(token, now, ct)).Live;
        return found?.IsLive(now) == true ? found : null;
    }

    /// <summary>
    /// The same for an application that has made the token: asked for too early it was none, so only a session that lives is
    /// remembered, and only such a memory is believed.
    /// </summary>
    public async Task<LiveSession?> FindOfApplication(SessionToken token, CancellationToken ct)
    {
        var now = clock.GetUtcNow();
        var found = Remembered(token, now)?.Live ?? (await Ask(token, now, ct, keepsDead: false)).Live;
        return found?.IsLive(now) == true ? found with { Token = token } : null;
    }

    /// <summary>A key acts in the place of a session: whoever checks the request finds it, and looks for no cookie.</summary>
    public static void Pass(HttpContext context, LiveSession ofKey) => context.Items[typeof(LiveSession)] = ofKey;

    /// <summary>What was asked for a request already, so that <see cref="Check"/> does not ask again, whatever became of it.</summary>
    public static void Pass(HttpContext context, Task<KnownSession> asked) => context.Items[typeof(KnownSession)] = asked;

    // From memory while that is safe.
    private async Task<LiveSession?> Find(HttpContext context, SessionToken token, DateTimeOffset now, CancellationToken ct)
    {
        if (context.Items.TryGetValue(typeof(KnownSession), out var asked))
            return (await (Task<KnownSession>)asked!).Live;
        return (Remembered(token, now) ?? await Ask(token, now, ct)).Live;
    }

    // One that has expired here may have been refreshed on another node, of which nobody tells: that is no "signed out" (DESIGN §6, rule 6).
    private KnownSession? Remembered(SessionToken token, DateTimeOffset now) =>
        known.Find(TokenHash.From(token.Hash)) is { } found && found.Live?.Session.IsOver(now) != true ? found : null;

    /// <summary>Asks the database, and keeps the answer unless something overtook it.</summary>
    public async Task<KnownSession> Ask(SessionToken token, DateTimeOffset now, CancellationToken ct, bool keepsDead = true)
    {
        var hash = TokenHash.From(token.Hash);
        var begun = known.BeginFill();
        var live = await rows.Find(token, ct);
        var found = live is null || live.Session.IsOver(now)
            ? KnownSession.Dead(hash)
            : KnownSession.Alive(hash, live, ReadSession.AnswerOf(live), RefreshSession.DueAt(live.Session, options.Value), jwt.Room);
        if (found.Live is { } alive ? alive.IsLive(now) : keepsDead)
            known.Keep(begun, found);
        return found;
    }

    // In a scope of its own: whatever becomes of it must not touch what the request is about to do.
    private async Task<LiveSession?> Refresh(HttpContext context, LiveSession live, DateTimeOffset now, CancellationToken ct)
    {
        try
        {
            await using var scope = scopes.CreateAsyncScope();
            Introduce(scope.ServiceProvider.GetRequiredService<Caller>(), context, live);
            var mediator = scope.ServiceProvider.GetRequiredService<IMediator>();
            if (await mediator.Send(new RefreshSession.Command(live.Session.Id), ct) is not { } refreshed)
                return null;
            cookies.Prolong(context, live.Token.Text, refreshed.ExpiresAt - now);
            // What is remembered is due for a refresh, and would be again and again.
            known.Drop(TokenHash.From(live.Token.Hash));
            return live with { Session = refreshed, Jwt = null };
        }
        catch (Exception failure) when (failure is ConcurrencyException or DbException or TimeoutException)
        {
            // The session is good until its expiry, refreshed or not; a later check tries again.
            NotRefreshed(log, live.Session.Id, failure);
            return live;
        }
    }

    private static void Introduce(Caller caller, HttpContext context, LiveSession live)
    {
        var asking = context.RequestServices.GetRequiredService<Caller>();
        (caller.UserId, caller.SessionId) = (live.User.Id, live.Session.Id);
        (caller.IpAddress, caller.UserAgent, caller.RequestId) = (asking.IpAddress, asking.UserAgent, asking.RequestId);
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "Session {SessionId} was due for a refresh that could not be written")]
    private static partial void NotRefreshed(ILogger log, string sessionId, Exception failure);
}
