namespace Modular.Sessions.Contracts;

/// <summary>A session as the wire has it: contract §2.3, with the members of the plugins that are always there.</summary>
/// <param name="Token">The token to the device that holds it, the handle to all others.</param>
/// <param name="ImpersonatedBy">The administrator who acts as the user; null: nobody.</param>
public sealed record WireSession(
    string Id,
    string Token,
    string UserId,
    DateTimeOffset ExpiresAt,
    DateTimeOffset CreatedAt,
    DateTimeOffset UpdatedAt,
    string IpAddress,
    string UserAgent,
    string? ImpersonatedBy,
    string? ActiveOrganizationId,
    string? ActiveTeamId);
