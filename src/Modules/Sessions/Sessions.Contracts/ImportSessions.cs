using MediatR;

namespace Modular.Sessions.Contracts;

/// <summary>
/// Takes over sessions that were started elsewhere, under their own tokens, which are stored as hashes; joins the caller's unit
/// of work, which makes their users. Nobody is told of a new device. Answers how many were taken, and which were not.
/// </summary>
/// <param name="Sessions">Of users who need not be committed yet.</param>
/// <param name="Method">What stands for the way of signing in, e.g. <c>import</c>.</param>
public sealed record ImportSessions(IReadOnlyList<SessionToImport> Sessions, string Method) : IRequest<ImportedSessions>;

/// <param name="Token">As the cookie has it, without a signature.</param>
/// <param name="Id">Its id elsewhere; kept where nobody has it.</param>
/// <param name="CreatedAt">Null: unknown, so long ago that it is not fresh.</param>
public sealed record SessionToImport(
    string UserId, string Token, DateTimeOffset ExpiresAt, string? Id = null, DateTimeOffset? CreatedAt = null, string? IpAddress = null, string? UserAgent = null);

/// <param name="Over">How many were over already, or as old as a session may get here.</param>
/// <param name="Known">Users with a session whose token is here already.</param>
public sealed record ImportedSessions(int Taken, int Over, IReadOnlyList<string> Known);
