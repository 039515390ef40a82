namespace Modular.Sessions;

/// <summary>A session as Auth.js has it, with the token of whoever made it.</summary>
internal sealed record AuthJsSession(string SessionToken, string UserId, DateTimeOffset Expires)
{
    /// <summary>How sessions started by an application are told from others.</summary>
    public const string Method = "authjs";

    public static AuthJsSession Of(SessionToken token, Session session) => new(token.Text, session.UserId, session.ExpiresAt);
}
