using MediatR;

namespace Modular.Identity.Contracts;

/// <summary>
/// Deletes a user with everything that is theirs, in the caller's unit of work; they are not told. False: nobody else is an
/// administrator, so they stay.
/// </summary>
/// <param name="UserId">Whose end it is; of nobody there is nothing to delete.</param>
/// <param name="Reason">A stable code.</param>
public sealed record EndUser(string UserId, string Reason) : IRequest<bool>;
