using MediatR;

namespace Modular.Identity.Contracts;

/// <summary>
/// Takes over some users of another system with their accounts and sessions, in one commit with the cursor of the run; so a
/// run that was killed goes on where it was. Commits when it is the outermost request.
/// </summary>
/// <param name="Kind"><c>authjs</c>, <c>better-auth</c> or <c>clerk</c>.</param>
/// <param name="Run">Names the source.</param>
/// <param name="After">The id that the users come after, as <see cref="FindImport"/> says; null: they are the first.</param>
/// <param name="Users">In the order of their ids.</param>
/// <param name="IsLast">Nobody comes after them.</param>
/// <param name="IsDryRun">Says what would be done, and does nothing.</param>
public sealed record ImportUsers(string Kind, string Run, string? After, IReadOnlyList<SourceUser> Users, bool IsLast, bool IsDryRun)
    : IRequest<ImportedUsers>;

/// <summary>A user as the other system keeps them: rows as JSON objects, under its own names of columns.</summary>
public sealed record SourceUser(string Id, string Row, IReadOnlyList<string> Accounts, IReadOnlyList<string> Sessions);

/// <summary>What became of users of another system.</summary>
/// <param name="Known">Users who had been taken over before.</param>
/// <param name="EndedSessions">Sessions that were over.</param>
public sealed record ImportedUsers(long Users, long Accounts, long Sessions, long Known, long EndedSessions, IReadOnlyList<ImportProblem> Problems);

/// <summary>Something that could not be taken over.</summary>
/// <param name="UserId">Whose, by the other system's id.</param>
/// <param name="What"><c>user</c>, <c>address</c>, <c>password</c>, <c>account</c>, <c>session</c>, <c>username</c>, <c>role</c> or <c>image</c>.</param>
/// <param name="Reason">A stable code.</param>
public sealed record ImportProblem(string UserId, string What, string Reason);

/// <summary>Asks how far a run has got. Null: it has not begun.</summary>
public sealed record FindImport(string Run) : IRequest<ImportProgress?>;

/// <param name="After">The last user that was looked at.</param>
/// <param name="IsDone">Everybody was looked at.</param>
/// <param name="SoFar">What became of them.</param>
public sealed record ImportProgress(string? After, bool IsDone, ImportedUsers SoFar);
