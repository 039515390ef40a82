using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;

namespace Modular.Kernel;

/// <summary>The live session behind a request.</summary>
/// <param name="OrganizationId">The organization that is active in it; null: none.</param>
/// <param name="TeamId">The team that is; null: none.</param>
/// <param name="ImpersonatedBy">The administrator who acts as the user; null: the user themselves.</param>
/// <param name="KeyId">The API key that acts in the place of a session, and is its id; null: none does.</param>
public sealed record ActiveSession(
    string SessionId, string UserId, string? OrganizationId, IReadOnlyList<string> Roles, DateTimeOffset CreatedAt, string? TeamId = null,
    string? ImpersonatedBy = null, string? KeyId = null)
{
    /// <summary>How long after signing in the delicate things may be done: contract §2.2, <c>freshAge</c>.</summary>
    public static readonly TimeSpan FreshAge = TimeSpan.FromDays(1);

    public bool IsFresh(DateTimeOffset now) => now - CreatedAt <= FreshAge;
}

/// <summary>Answers "who is this?"; the Sessions module does, for every module's routes.</summary>
public interface IActiveSessions
{
    /// <summary>
    /// The live session of the request's cookie, or null. Where the session is due it is refreshed and its cookie sent
    /// again; where the cookie is well signed and its session gone, the cookies are cleared (contract §2).
    /// </summary>
    Task<ActiveSession?> Find(HttpContext context, CancellationToken ct);
}

/// <summary>Who may call a route.</summary>
public static class SignedInExtensions
{
    /// <summary>401 <c>UNAUTHORIZED</c> unless signed in. Comes after the schema check, as contract §1 has it.</summary>
    public static RouteHandlerBuilder RequireSession(this RouteHandlerBuilder route) => route.RequireRole([]);

    /// <summary>401 unless signed in, 403 <c>FORBIDDEN</c> unless one of the roles is held.</summary>
    public static RouteHandlerBuilder RequireRole(this RouteHandlerBuilder route, params IReadOnlyList<string> roles) => route
        .ProducesProblem(StatusCodes.Status401Unauthorized)
        .AddEndpointFilter(async (invocation, next) =>
        {
            var context = invocation.HttpContext;
            if (WireRequest.CheckOriginIfNamed(context, context.RequestServices.GetRequiredService<TrustedUrls>()) is { } foreign)
                return foreign.ToHttp();
            if (await Identify(context) is not { } session)
                return Refusal.Unauthorized().ToHttp();
            return roles.Count > 0 && !roles.Intersect(session.Roles).Any()
                ? Refusal.Forbidden().ToHttp()
                : await next(invocation);
        });

    /// <summary>
    /// 401 unless signed in, 403 <c>FORBIDDEN</c> unless the route's parameter names the caller (by id, or as <c>me</c>) or one
    /// of the roles is held. The handler asks <see cref="Caller.Named"/> whom it names.
    /// </summary>
    public static RouteHandlerBuilder RequireOwnership(this RouteHandlerBuilder route, string parameter, params IReadOnlyList<string> orRoles) => route
        .RequireSession()
        .ProducesProblem(StatusCodes.Status403Forbidden)
        .AddEndpointFilter(async (invocation, next) =>
        {
            var caller = invocation.HttpContext.RequestServices.GetRequiredService<Caller>();
            var isOwn = invocation.HttpContext.GetRouteValue(parameter) is string id && caller.Named(id) == caller.UserId;
            return isOwn || orRoles.Intersect(caller.Roles).Any() ? await next(invocation) : Refusal.Forbidden().ToHttp();
        });

    /// <summary>Finds the request's session once and fills in <see cref="Caller"/>; null when signed out.</summary>
    public static async Task<ActiveSession?> Identify(HttpContext context)
    {
        var services = context.RequestServices;
        if (await services.GetRequiredService<IActiveSessions>().Find(context, context.RequestAborted) is not { } found)
            return null;
        var session = Tenancy.Of(context) is { } named && named != found.OrganizationId ? found with { OrganizationId = named, TeamId = null } : found;
        var caller = services.GetRequiredService<Caller>();
        caller.UserId = session.UserId;
        caller.SessionId = session.SessionId;
        caller.OrganizationId = session.OrganizationId;
        caller.Roles = session.Roles;
        return session;
    }
}
