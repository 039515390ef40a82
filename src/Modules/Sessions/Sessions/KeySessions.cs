using System.Globalization;
using MediatR;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;
using Modular.Identity.Contracts;
using Modular.Kernel;

namespace Modular.Sessions;

/// <summary>
/// A request with the header <c>x-api-key</c> acts as a session of the key's owner (contract §7.11), where the operator
/// wants that; one whose key is not good is refused, whatever it asks for and whatever cookies it has.
/// </summary>
internal sealed class KeySessions(IOptions<AuthOptions> options, RefusedRequests refused, TimeProvider clock)
{
    public const string Header = "x-api-key";

    private const string UnknownKey = "INVALID_API_KEY";

    private static readonly PathString Api = new("/api");

    // These speak of keys of others, and have a secret of their own.
    private static readonly PathString OfPrograms = new("/api/api-keys");

    public Task Answer(HttpContext context, RequestDelegate next) =>
        context.Request.Headers.TryGetValue(Header, out var header) && header.ToString() is { Length: > 0 } key && Concerns(context)
            ? Use(key, context, next)
            : next(context);

    private static bool Concerns(HttpContext context) => context.GetEndpoint() is not null
        && context.Request.Path.StartsWithSegments(Api) && !context.Request.Path.StartsWithSegments(OfPrograms);

    private async Task Use(string key, HttpContext context, RequestDelegate next)
    {
        var mediator = context.RequestServices.GetRequiredService<IMediator>();
        var used = await mediator.Send(new UseApiKey(key), context.RequestAborted);
        if (used.Problem is { } problem)
        {
            // Of a key that is known its owner's entry tells.
            if (problem.Code == UnknownKey)
                refused.Count(RefusedKind.ApiKey, context);
            await Refuse(context, problem);
            return;
        }

        if (used.Holder is { } holder)
            ActiveSessions.Pass(context, Decide(key, holder, context.RequestServices.GetRequiredService<Caller>(), options.Value, clock.GetUtcNow()));
        await next(context);
    }

    /// <summary>As old as the key is: an old key is no fresh session.</summary>
    internal static LiveSession Decide(string key, ApiKeyHolder holder, Caller caller, AuthOptions options, DateTimeOffset now)
    {
        var token = new SessionToken(key);
        var session = new Session(
            holder.KeyId, holder.User.Id, token.HashText, holder.KeyId, Remember: false, "api-key", holder.CreatedAt, now,
            holder.ExpiresAt ?? now + options.SessionLifetime, caller.IpAddress, caller.UserAgent);
        return new LiveSession(token, session, holder.User, holder.KeyId);
    }

    private static Task Refuse(HttpContext context, ApiKeyProblem problem)
    {
        var refusal = Refusal.Of(problem.Status, problem.Code, problem.Message);
        if (problem.TryAgainIn is not { } wait)
            return refusal.ToHttp().ExecuteAsync(context);
        context.Response.Headers["X-Retry-After"] = Math.Max(1, Math.Ceiling(wait.TotalSeconds)).ToString(CultureInfo.InvariantCulture);
        var details = new { TryAgainIn = (long)Math.Ceiling(wait.TotalMilliseconds) };
        return context.Request.Path.StartsWithSegments("/api/auth")
            ? WireJson.Json(new { refusal.Message, refusal.Code, details }, refusal.Status).ExecuteAsync(context)
            : (refusal with { Details = details }).ToHttp().ExecuteAsync(context);
    }
}
