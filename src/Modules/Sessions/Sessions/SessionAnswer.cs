using Modular.Identity.Contracts;
using Modular.Sessions.Contracts;

namespace Modular.Sessions;

/// <summary>A session and its user, as the wire has them together, to the device that holds the token.</summary>
internal sealed record SessionAnswer(WireSession Session, SessionPrincipal User)
{
    public static SessionAnswer Of(LiveSession live) => new(live.Session.ToWire(live.Token.Text), live.User);
}
