namespace Modular.Sessions;

/// <summary>A session as the wire has it: contract §2.3, with the members of the plugins that are always there.</summary>
/// <param name="Token">The token to the device that holds it, the handle to all others.</param>
internal sealed record WireSession(
    string Id,
    string Token,
    string UserId,
    DateTimeOffset ExpiresAt,
    DateTimeOffset CreatedAt,
    DateTimeOffset UpdatedAt,
    string IpAddress,
    string UserAgent,
    string? ImpersonatedBy = null,
    string? ActiveOrganizationId = null,
    string? ActiveTeamId = null)
{
    public static WireSession Of(Session session, string token) => new(
        session.Id, token, session.UserId, session.ExpiresAt, session.CreatedAt, session.UpdatedAt, session.IpAddress ?? "", session.UserAgent ?? "");
}
