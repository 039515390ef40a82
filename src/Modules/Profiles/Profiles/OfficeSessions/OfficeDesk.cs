using Microsoft.AspNetCore.Http;
using Modular.Kernel;
using Modular.Messaging;
using Modular.Profiles.Contracts;
using Modular.Store;

namespace Modular.Profiles;

/// <summary>
/// What the acts on an office session share: who may, what is recorded when they may not, and that the other side is told.
/// </summary>
internal sealed class OfficeDesk(IDocumentSession store, IMessageBus bus, Refusals refusals, Caller caller, TimeProvider clock)
{
    public static readonly Refusal NotFound = Refusal.NotFound("office_session_not_found", "There is no such office session, or it is not yours");

    public static readonly Refusal NotYourPart = Refusal.Forbidden("not_your_part", "That is for the other side to do");

    public DateTimeOffset Now => clock.GetUtcNow();

    /// <summary>The caller; never null behind a route for those who are signed in.</summary>
    public string Actor => caller.UserId!;

    public bool IsStaff => caller.IsStaff();

    /// <summary>An office session of the caller, or anybody's for those who look after people. A stranger's looks unknown.</summary>
    public async Task<Outcome<OpenedSession>> Open(string sessionId, CancellationToken ct)
    {
        var stream = await store.Events.FetchForWriting<OfficeSession>(sessionId, ct);
        if (stream.Aggregate is not { } session || !MaySee(session))
            return Refuse(NotFound, sessionId);
        return new OpenedSession(stream, session);
    }

    public bool MaySee(OfficeSession session) => session.MentorId == Actor || session.MenteeId == Actor || IsStaff;

    /// <summary>Records that something was not done, in a stream of its own.</summary>
    public Refusal Refuse(Refusal refusal, string? sessionId)
    {
        // A path may name anything; the log keeps what can be an id.
        var named = sessionId is not null && Guid.TryParseExact(sessionId, "N", out _) ? sessionId : null;
        refusals.Record($"office-desk:{Guid.CreateVersion7(Now):N}", new OfficeSessionRefused(Actor, named, refusal.Code, Now));
        return refusal;
    }

    /// <summary>Whoever it concerns, but for the one who did it, is told by mail.</summary>
    public async Task Tell(OfficeSession session, OfficeSessionNews news)
    {
        foreach (var userId in new[] { session.MentorId, session.MenteeId }.OfType<string>().Where(id => id != Actor))
            await bus.PublishAsync(new OfficeSessionTold(session.Id, userId, news, session.StartsAt));
    }

    public static Refusal Wrong(OfficeSession session) => new(
        StatusCodes.Status409Conflict, "wrong_status", $"The office session is {session.StatusName}", new { status = session.StatusName });
}

/// <summary>An office session that is open for writing.</summary>
internal sealed record OpenedSession(IEventStream<OfficeSession> Stream, OfficeSession Session)
{
    /// <summary>Appends, and answers the office session as it is then.</summary>
    public async Task<OfficeSession> Append(object happened, IDocumentSession store, CancellationToken ct)
    {
        Stream.AppendOne(happened);
        return (await store.LoadAsync<OfficeSession>(Session.Id, ct))!;
    }
}
