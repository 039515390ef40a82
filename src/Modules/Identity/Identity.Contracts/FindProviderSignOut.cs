using MediatR;

namespace Modular.Identity.Contracts;

/// <summary>
/// Asks where a browser signs out of the provider that a session was started with. Null: nowhere, or not now; nobody's
/// sign-out here depends on it.
/// </summary>
/// <param name="UserId">Whose session it was.</param>
/// <param name="Method">How it was started: the provider's id, or something else.</param>
/// <param name="ReturnTo">Where the provider is to send the browser afterwards; absolute, or null.</param>
/// <param name="State">What it is to bring along.</param>
public sealed record FindProviderSignOut(string UserId, string Method, string? ReturnTo, string? State) : IRequest<string?>;
