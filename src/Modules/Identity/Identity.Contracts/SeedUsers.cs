using MediatR;

namespace Modular.Identity.Contracts;

/// <summary>
/// The operator wants people to try things with: users with a password, under ids that stay the same, so that who is there
/// already is recognized. Joins the caller's unit of work. Who was there and is deleted is not made again.
/// </summary>
/// <param name="Users">Who.</param>
/// <param name="Password">Of all of them; hashed once for many.</param>
/// <param name="Role">What they are: <c>user</c> or <c>admin</c>.</param>
public sealed record SeedUsers(IReadOnlyList<SeedUser> Users, string Password, string Role = "user") : IRequest<SeededUsers>;

/// <param name="Email">In lower case.</param>
public sealed record SeedUser(string Id, string Name, string Email);

/// <param name="New">The ids of those who were not there before.</param>
/// <param name="Gone">The ids of those who were there once and are deleted.</param>
/// <param name="FirstAt">When the first one of them was made, now or before; null: nobody was asked for.</param>
/// <param name="Problem">A sentence for the operator, with nobody made; null: there is none.</param>
public sealed record SeededUsers(IReadOnlyList<string> New, IReadOnlyList<string> Gone, DateTimeOffset? FirstAt, string? Problem);
