using MediatR;

namespace Modular.Identity.Contracts;

/// <summary>
/// The operator makes an administrator, who may or may not have the address already. Commits when it is the outermost
/// request.
/// </summary>
public sealed record CreateAdministrator(string Email, string Password, string Name) : IRequest<CreatedAdministrator>;

/// <summary>Who is an administrator now, or why nobody is.</summary>
/// <param name="UserId">Null when there is a problem.</param>
/// <param name="IsNew">Registered by this; otherwise promoted, with the new password and without sessions.</param>
/// <param name="Problem">A sentence for the operator; null when it was done.</param>
public sealed record CreatedAdministrator(string? UserId, bool IsNew, string? Problem);
