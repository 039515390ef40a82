using System.Text.Json.Serialization;
using Modular.Kernel;
using Modular.Sessions.Contracts;
using Modular.Store;

namespace Modular.Sessions;

/// <summary>
/// A signed-in device. It is over once it is ended or past its expiry, and never comes back; the row goes when it is
/// ended, the events stay.
/// </summary>
/// <param name="TokenHash">SHA-256 of the token, base64url.</param>
/// <param name="Handle">Names the session where its token may not be shown.</param>
/// <param name="Remember">False: lives at most a day and is never refreshed.</param>
/// <param name="Method">How the user signed in.</param>
/// <param name="ImpersonatedBy">The administrator who acts as the user; null: nobody.</param>
internal sealed record Session(
    string Id,
    string UserId,
    string TokenHash,
    string Handle,
    bool Remember,
    string Method,
    DateTimeOffset CreatedAt,
    DateTimeOffset UpdatedAt,
    DateTimeOffset ExpiresAt,
    string? IpAddress,
    string? UserAgent,
    string? ImpersonatedBy = null,
    string? ActiveOrganizationId = null,
    string? ActiveTeamId = null)
{
    public bool IsOver(DateTimeOffset now) => ExpiresAt <= now;

    /// <summary>Its end from elsewhere; null when it is over. One that ran out of time is left to <see cref="PruneExpiredSessions"/>.</summary>
    public SessionRevoked? Revoke(string reason, DateTimeOffset now) => IsOver(now) ? null : new SessionRevoked(Id, UserId, reason, now);

    public bool IsFresh(DateTimeOffset now) => now - CreatedAt <= ActiveSession.FreshAge;

    public static Session Create(SessionStarted e) => new(
        e.SessionId, e.UserId, e.TokenHash, e.Handle, e.Remember, e.Method, e.At, e.At, e.ExpiresAt, e.IpAddress, e.UserAgent,
        e.ImpersonatedBy, e.OrganizationId, e.TeamId);

    /// <param name="token">The token to the device that holds it, the handle to all others.</param>
    public WireSession ToWire(string token) => new(
        Id, token, UserId, ExpiresAt, CreatedAt, UpdatedAt, IpAddress ?? "", UserAgent ?? "", ImpersonatedBy, ActiveOrganizationId, ActiveTeamId);

    public Session Apply(SessionRefreshed e) => this with { UpdatedAt = e.At, ExpiresAt = e.ExpiresAt };

    public Session Apply(OrganizationSwitched e) => this with { ActiveOrganizationId = e.OrganizationId, ActiveTeamId = e.TeamId, UpdatedAt = e.At };

    public bool ShouldDelete(SessionRevoked e) => e.SessionId == Id;

    public bool ShouldDelete(SessionSignedOut e) => e.SessionId == Id;

    public bool ShouldDelete(SessionExpired e) => e.SessionId == Id;
}

/// <summary>Somebody signed in on a device.</summary>
internal sealed record SessionStarted(
    string SessionId,
    string UserId,
    string TokenHash,
    string Handle,
    bool Remember,
    string Method,
    DateTimeOffset ExpiresAt,
    [PersonalData] string? IpAddress,
    [PersonalData] string? UserAgent,
    DateTimeOffset At,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] string? ImpersonatedBy = null,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] string? OrganizationId = null,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] string? TeamId = null);

/// <summary>A session in use was given more time.</summary>
internal sealed record SessionRefreshed(string SessionId, string UserId, DateTimeOffset ExpiresAt, DateTimeOffset At);

/// <summary>Another organization, or none, is the active one of a session.</summary>
internal sealed record OrganizationSwitched(string SessionId, string UserId, string? OrganizationId, string? TeamId, DateTimeOffset At);

/// <summary>A session was ended from elsewhere; by whom is in the metadata of the event.</summary>
/// <param name="Reason">A stable code, e.g. <c>revoked_by_user</c>, <c>password_changed</c>.</param>
internal sealed record SessionRevoked(string SessionId, string UserId, string Reason, DateTimeOffset At);

/// <summary>The device signed out.</summary>
internal sealed record SessionSignedOut(string SessionId, string UserId, DateTimeOffset At);

/// <summary>A session ran out of time; noticed some time later.</summary>
internal sealed record SessionExpired(string SessionId, string UserId, DateTimeOffset ExpiredAt, DateTimeOffset At);

/// <summary>Something was asked of a session that its asker may not do; changes nothing.</summary>
/// <param name="UserId">Whose session it is.</param>
/// <param name="Act">What was asked for: <c>list_sessions</c>, <c>revoke_session</c>.</param>
/// <param name="Reason">A stable code: <c>session_not_fresh</c>, <c>not_own_session</c>.</param>
internal sealed record SessionAccessRefused(string SessionId, string UserId, string Act, string Reason, DateTimeOffset At);
