using MediatR;
using Modular.Kernel;
using Modular.Store;

namespace Modular.Sessions;

/// <summary>
/// A browser was signed in again as a user it holds another session of: that one is ended; started by
/// <see cref="DeviceSessions"/>, not by a route.
/// </summary>
internal static class ReplaceDeviceSessions
{
    internal const string Reason = "replaced_on_device";

    /// <summary>Answers which of the others are over, now or since before.</summary>
    internal sealed record Command(SessionToken Newest, IReadOnlyList<SessionToken> Others) : IRequest<IReadOnlyList<string>>, IIdempotent;

    internal sealed class Handler(IDocumentSession store, Caller caller, TimeProvider clock) : IRequestHandler<Command, IReadOnlyList<string>>
    {
        public async Task<IReadOnlyList<string>> Handle(Command command, CancellationToken ct)
        {
            byte[][] hashes = [command.Newest.Hash, .. command.Others.Select(other => other.Hash)];
            var (rows, now) = (await store.QueryAsync<Session>("where d.token_hash = any(?)", ct, [hashes]), clock.GetUtcNow());
            if (rows.FirstOrDefault(command.Newest.Opens) is not { } newest)
                return [];
            (caller.UserId, caller.SessionId) = (newest.UserId, newest.Id);
            var replaced = rows.Where(row => row.UserId == newest.UserId && row.Id != newest.Id).Select(row => row.Id).ToList();
            foreach (var stream in await store.Events.FetchForWriting<Session>(replaced, ct))
            {
                if (stream.Aggregate?.Revoke(Reason, now) is { } revoked)
                    stream.AppendOne(revoked);
            }

            return Over(rows, newest.UserId, command.Others, now);
        }
    }

    internal static IReadOnlyList<string> Over(
        IReadOnlyList<Session> rows, string userId, IReadOnlyList<SessionToken> others, DateTimeOffset now) =>
        [.. others.Where(other => !rows.Any(row => row.UserId != userId && !row.IsOver(now) && other.Opens(row))).Select(other => other.Text)];
}
