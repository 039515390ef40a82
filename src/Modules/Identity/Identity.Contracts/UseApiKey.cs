using MediatR;

namespace Modular.Identity.Contracts;

/// <summary>
/// Uses an API key in the place of a session: counted at once, whatever becomes of the request. Commits when it is the
/// outermost request.
/// </summary>
/// <param name="Key">As it was sent.</param>
public sealed record UseApiKey(string Key) : IRequest<ApiKeyUsed>;

/// <summary>Whom the key stands for, or why it does not. Neither: keys do not act as sessions here (<c>ApiKeys:ActAsSession</c>).</summary>
public sealed record ApiKeyUsed(ApiKeyHolder? Holder, ApiKeyProblem? Problem);

/// <param name="CreatedAt">When the key was made: how fresh a session it is.</param>
/// <param name="ExpiresAt">Null: never.</param>
public sealed record ApiKeyHolder(string KeyId, SessionPrincipal User, DateTimeOffset CreatedAt, DateTimeOffset? ExpiresAt);

/// <summary>Why a key is not good.</summary>
/// <param name="Status">The HTTP status that says it.</param>
/// <param name="Code">Better Auth's: <c>KEY_EXPIRED</c>.</param>
/// <param name="Message">A sentence.</param>
/// <param name="TryAgainIn">When it may be good again; null: nobody knows.</param>
public sealed record ApiKeyProblem(int Status, string Code, string Message, TimeSpan? TryAgainIn);
