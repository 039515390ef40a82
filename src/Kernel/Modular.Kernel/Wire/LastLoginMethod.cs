using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Options;

namespace Modular.Kernel;

/// <summary>
/// Lets a sign-in page show by which way somebody came last (contract §7.13): a cookie that pages may read, of which the
/// server itself believes nothing.
/// </summary>
public sealed class LastLoginMethod(SignedCookies cookies, IOptions<AuthOptions> options)
{
    /// <summary>Its full name; it never has a prefix.</summary>
    public const string Cookie = "better-auth.last_used_login_method";

    private const string Callback = "/callback/";
    private static readonly TimeSpan Life = TimeSpan.FromDays(30);

    /// <summary>Sets the cookie where the request's route is a way of signing in; others leave it alone.</summary>
    public void Note(HttpContext context)
    {
        if (options.Value.IsOn(AuthGroup.LastLoginMethod) && MethodOf(context.Request.Path) is { } method)
            cookies.SetPlain(context, Cookie, method, Life);
    }

    internal static string? MethodOf(PathString path) => path.StartsWithSegments(Surface.Auth, out var route)
        ? route.Value switch
        {
            "/sign-in/email" or "/sign-up/email" => "email",
            "/magic-link/verify" => "magic-link",
            "/passkey/verify-authentication" => "passkey",
            { Length: > 10 } other when other.StartsWith(Callback, StringComparison.Ordinal) => other[Callback.Length..],
            _ => null,
        }
        : null;
}
