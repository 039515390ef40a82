using MediatR;

namespace Modular.Sessions.Contracts;

/// <summary>
/// Signs a user in on this device; joins the caller's unit of work. The token is returned once and stored only as a hash.
/// </summary>
/// <param name="UserId">Who signs in. Need not be committed yet.</param>
/// <param name="Remember">False: the session lives at most a day and is never refreshed (contract §2.2).</param>
/// <param name="Method">How: <c>password</c>, <c>passkey</c>…</param>
/// <param name="ImpersonatedBy">The administrator who acts as the user; null: the user themselves.</param>
/// <param name="Life">At most how long it lives; null: as configured.</param>
/// <param name="OrganizationId">The organization that is active from the beginning.</param>
/// <param name="TeamId">The team that is.</param>
/// <param name="Token">The secret, where somebody else has made it; null: one is made.</param>
/// <param name="ExpiresAt">When it ends, within the longest life there is; null: as configured.</param>
public sealed record StartSession(
    string UserId, bool Remember, string Method, string? ImpersonatedBy = null, TimeSpan? Life = null, string? OrganizationId = null, string? TeamId = null,
    string? Token = null, DateTimeOffset? ExpiresAt = null)
    : IRequest<StartedSession>;

/// <summary>A session just started.</summary>
/// <param name="SessionId">Its id; not a secret.</param>
/// <param name="Token">The secret that goes into the cookie.</param>
/// <param name="CookieLifetime">Max-Age of the cookie; null: until the browser closes.</param>
/// <param name="ExpiresAt">When it ends unless refreshed.</param>
/// <param name="View">As answers show it, token and all.</param>
public sealed record StartedSession(string SessionId, string Token, TimeSpan? CookieLifetime, DateTimeOffset ExpiresAt, WireSession View);
