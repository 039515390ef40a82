using Microsoft.AspNetCore.Http;
using Modular.Kernel;

namespace Modular.Identity;

/// <summary>
/// Somebody asks for a link by mail. It travels sealed through the outbox: the request does the same whoever has the
/// address, and answers before anybody has looked (no enumeration, ASVS 5.0 6.3.8).
/// </summary>
/// <param name="Email">In lower case.</param>
/// <param name="CallbackUrl">Where the link leads in the end; checked before.</param>
/// <param name="SignUp">What was chosen by whoever signs up with an address that is registered already.</param>
/// <param name="BaseUrl">Our public address, with a trailing slash.</param>
internal sealed record LinkWish(string Email, string? CallbackUrl, string BaseUrl, string? IpAddress, string? UserAgent, SignUpAgain? SignUp = null)
{
    public static LinkWish Of(string email, string? callbackUrl, HttpContext context, PublicAddress address, Caller caller) =>
        new(email.ToLowerInvariant(), callbackUrl, address.For(context).ToString(), caller.IpAddress, caller.UserAgent);

    /// <summary>A link to a route of ours.</summary>
    /// <param name="path">Below <c>/api/auth</c>, without a slash.</param>
    /// <param name="token">Of a <see cref="Verification"/>; null: the path holds it.</param>
    /// <param name="callback">The value of <c>callbackURL</c>.</param>
    public string Link(string path, string? token, string callback) =>
        $"{BaseUrl}api/auth/{path}?{(token is null ? "" : $"token={token}&")}callbackURL={Uri.EscapeDataString(callback)}";
}
