using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;

namespace Modular.Kernel;

/// <summary>
/// The groups of endpoints that an operator can switch off: <c>Auth:Groups:organization = false</c>. The names are those of
/// Better Auth's plugins (contract §7).
/// </summary>
public static class AuthGroup
{
    public const string Admin = "admin";
    public const string Organization = "organization";
    public const string TwoFactor = "two-factor";
    public const string Passkey = "passkey";
    public const string MagicLink = "magic-link";
    public const string EmailOtp = "email-otp";
    public const string Username = "username";
    public const string Anonymous = "anonymous";
    public const string MultiSession = "multi-session";
    public const string OneTimeToken = "one-time-token";
    public const string LastLoginMethod = "last-login-method";
    public const string Bearer = "bearer";
    public const string Jwt = "jwt";
    public const string ApiKey = "api-key";

    /// <summary>Every name there is.</summary>
    public static readonly IReadOnlyList<string> All =
    [
        Admin, Organization, TwoFactor, Passkey, MagicLink, EmailOtp, Username, Anonymous, MultiSession, OneTimeToken,
        LastLoginMethod, Bearer, Jwt, ApiKey,
    ];

    /// <summary>
    /// The route is there only while its group is on; otherwise it answers as an unknown path does, 404 without a body, and
    /// no description lists it. To be called last.
    /// </summary>
    public static RouteHandlerBuilder PartOf(this RouteHandlerBuilder route, string group)
    {
        route.Finally(endpoint =>
        {
            if (endpoint.ApplicationServices.GetRequiredService<IOptions<AuthOptions>>().Value.IsOn(group))
                return;
            endpoint.Metadata.Add(new Hidden());
            endpoint.RequestDelegate = context =>
            {
                context.Response.StatusCode = StatusCodes.Status404NotFound;
                return Task.CompletedTask;
            };
        });
        return route;
    }

    /// <summary>No description lists the route.</summary>
    internal sealed class Hidden : IExcludeFromDescriptionMetadata
    {
        public bool ExcludeFromDescription => true;
    }
}
