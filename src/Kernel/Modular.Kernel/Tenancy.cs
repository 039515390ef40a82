using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;

namespace Modular.Kernel;

/// <summary>Answers who belongs to which organization; the Identity module does, for every module's routes.</summary>
public interface IMemberships
{
    /// <summary>Whether the user is a member of the organization now.</summary>
    Task<bool> IsMember(string organizationId, string userId, CancellationToken ct);
}

/// <summary>
/// The organization that a request names by <c>X-Organization-ID</c>, or <c>X-Tenant-ID</c>: it acts in that one, whichever is
/// active in its session, if its user is a member; each request is checked. The answer repeats the header.
/// </summary>
public static class Tenancy
{
    public const string Header = "X-Organization-ID";
    public const string Alias = "X-Tenant-ID";

    private const int LongestId = 64;

    private static readonly Refusal NotMember = Refusal.Forbidden("YOU_ARE_NOT_A_MEMBER_OF_THIS_ORGANIZATION");

    private static readonly Refusal NotMemberElsewhere = Refusal.Forbidden("not_a_member", "You are not a member of this organization");

    /// <summary>Whether a request names an organization.</summary>
    public static bool IsAsked(HttpRequest request) => request.Headers.ContainsKey(Header) || request.Headers.ContainsKey(Alias);

    /// <summary>The organization that the request was found to act in; null: it names none.</summary>
    public static string? Of(HttpContext context) => context.Items[Header] as string;

    /// <summary>To be called after <see cref="CallerExtensions.UseCaller"/> and the limits, before any route.</summary>
    public static IApplicationBuilder UseTenancy(this IApplicationBuilder app) => app.Use((context, next) =>
        IsAsked(context.Request) && Surface.IsApi(context.Request.Path) ? Check(context, next) : next(context));

    private static async Task Check(HttpContext context, RequestDelegate next)
    {
        var (services, ct) = (context.RequestServices, context.RequestAborted);
        // Signed out: the route says so, where it minds.
        if (await services.GetRequiredService<IActiveSessions>().Find(context, ct) is not { } session)
        {
            await next(context);
            return;
        }

        if (Asked(context.Request) is not { } id || !await services.GetRequiredService<IMemberships>().IsMember(id, session.UserId, ct))
        {
            // The refusal names them.
            await SignedInExtensions.Identify(context);
            await (Surface.IsAuth(context.Request.Path) ? NotMember : NotMemberElsewhere).ToHttp().ExecuteAsync(context);
            return;
        }

        context.Items[Header] = id;
        context.Response.Headers[Header] = id;
        await next(context);
    }

    // Two that differ name none.
    private static string? Asked(HttpRequest request)
    {
        string?[] ids = [.. request.Headers[Header].Concat(request.Headers[Alias]).Distinct()];
        return ids is [{ Length: > 0 and <= LongestId } id] ? id : null;
    }
}
