using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Options;
using Modular.Kernel;

namespace Modular.Sessions;

/// <summary>Makes a session that exists already the one of this browser.</summary>
internal sealed class SessionSwitch(SessionCookies cookies, IOptions<AuthOptions> options)
{
    internal static readonly Refusal InvalidToken = Refusal.Unauthorized("INVALID_SESSION_TOKEN", "Invalid session token");

    /// <summary>Neither a session nor a browser that is not remembered becomes one that is.</summary>
    public void To(HttpContext context, LiveSession live) => cookies.Start(
        context, live.Token.Text, live.Session.Remember && !cookies.IsNotRemembered(context) ? options.Value.SessionLifetime : null);
}
