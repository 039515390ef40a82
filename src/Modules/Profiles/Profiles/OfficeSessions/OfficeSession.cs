using System.Text.Json.Serialization;
using Modular.Store;

namespace Modular.Profiles;

internal enum OfficeSessionStatus
{
    Requested,
    Confirmed,
    Declined,
    Cancelled,
    Completed,
    Missed,
}

/// <summary>What one of the two says about it afterwards.</summary>
internal sealed record Feedback(int Rating, string? Comment, DateTimeOffset At);

/// <summary>A mentor and a mentee meet. Who is gone is null, and so is what they wrote.</summary>
/// <param name="Version">Of the stream; also the <c>SEQUENCE</c> of the calendar, one less.</param>
/// <param name="Topic">In the mentee's words.</param>
/// <param name="Note">Why it was declined or cancelled, in the words of <paramref name="EndedBy"/>.</param>
/// <param name="MissedBy">Who did not come.</param>
internal sealed record OfficeSession(
    string Id,
    long Version,
    string? MentorId,
    string? MenteeId,
    DateTimeOffset StartsAt,
    DateTimeOffset EndsAt,
    OfficeSessionStatus Status,
    string? Topic,
    string? Note,
    string? EndedBy,
    string? MissedBy,
    Feedback? MentorFeedback,
    Feedback? MenteeFeedback,
    DateTimeOffset RequestedAt,
    DateTimeOffset UpdatedAt)
{
    [JsonIgnore]
    public bool IsOpen => Status is OfficeSessionStatus.Requested or OfficeSessionStatus.Confirmed;

    [JsonIgnore]
    public string StatusName => Status.ToString().ToLowerInvariant();

    /// <summary>The other one of the two.</summary>
    public string? OtherThan(string userId) => userId == MentorId ? MenteeId : MentorId;

    public static OfficeSession Create(IEvent<OfficeSessionRequested> e) => new(
        e.Data.SessionId, e.Version, e.Data.MentorId, e.Data.MenteeId, e.Data.StartsAt, e.Data.EndsAt, OfficeSessionStatus.Requested,
        e.Data.Topic, null, null, null, null, null, e.Data.At, e.Data.At);

    public OfficeSession Apply(IEvent<OfficeSessionConfirmed> e) =>
        this with { Version = e.Version, Status = OfficeSessionStatus.Confirmed, UpdatedAt = e.Data.At };

    public OfficeSession Apply(IEvent<OfficeSessionDeclined> e) => this with
    {
        Version = e.Version,
        Status = OfficeSessionStatus.Declined,
        Note = e.Data.Note,
        EndedBy = e.Data.By,
        UpdatedAt = e.Data.At,
    };

    public OfficeSession Apply(IEvent<OfficeSessionCancelled> e) => this with
    {
        Version = e.Version,
        Status = OfficeSessionStatus.Cancelled,
        Note = e.Data.Note,
        EndedBy = e.Data.By,
        UpdatedAt = e.Data.At,
    };

    public OfficeSession Apply(IEvent<OfficeSessionCompleted> e) =>
        this with { Version = e.Version, Status = OfficeSessionStatus.Completed, UpdatedAt = e.Data.At };

    public OfficeSession Apply(IEvent<OfficeSessionMissed> e) =>
        this with { Version = e.Version, Status = OfficeSessionStatus.Missed, MissedBy = e.Data.UserId, UpdatedAt = e.Data.At };

    public OfficeSession Apply(IEvent<OfficeSessionFeedbackGiven> e)
    {
        var feedback = new Feedback(e.Data.Rating, e.Data.Comment, e.Data.At);
        return e.Data.By == MentorId
            ? this with { Version = e.Version, MentorFeedback = feedback, UpdatedAt = e.Data.At }
            : this with { Version = e.Version, MenteeFeedback = feedback, UpdatedAt = e.Data.At };
    }

    /// <summary>One of the two is gone: what they wrote goes, and what was agreed is over.</summary>
    public OfficeSession Apply(IEvent<OfficeSessionLeft> e) => this with
    {
        Version = e.Version,
        MentorId = MentorId == e.Data.UserId ? null : MentorId,
        MenteeId = MenteeId == e.Data.UserId ? null : MenteeId,
        Status = IsOpen ? OfficeSessionStatus.Cancelled : Status,
        Topic = MenteeId == e.Data.UserId ? null : Topic,
        Note = EndedBy == e.Data.UserId ? null : Note,
        EndedBy = EndedBy == e.Data.UserId ? null : EndedBy,
        MissedBy = MissedBy == e.Data.UserId ? null : MissedBy,
        MentorFeedback = MentorId == e.Data.UserId ? null : MentorFeedback,
        MenteeFeedback = MenteeId == e.Data.UserId ? null : MenteeFeedback,
        UpdatedAt = e.Data.At,
    };

    /// <summary>Nobody is left who was there.</summary>
    public bool ShouldDelete(OfficeSessionLeft e) => (MentorId is null || MentorId == e.UserId) && (MenteeId is null || MenteeId == e.UserId);
}

internal sealed record OfficeSessionRequested(
    string SessionId, string MentorId, string MenteeId, DateTimeOffset StartsAt, DateTimeOffset EndsAt, [PersonalData] string? Topic, DateTimeOffset At);

/// <param name="UserId">The mentee, whom it concerns.</param>
internal sealed record OfficeSessionConfirmed(string SessionId, string? UserId, DateTimeOffset At);

/// <param name="By">The mentor; the words are theirs.</param>
internal sealed record OfficeSessionDeclined(string SessionId, string By, [PersonalData] string? Note, DateTimeOffset At);

/// <param name="By">The mentor, the mentee, or somebody who looks after them; the words are theirs.</param>
internal sealed record OfficeSessionCancelled(string SessionId, string By, [PersonalData] string? Note, DateTimeOffset At);

/// <param name="UserId">The mentee, whom it concerns.</param>
internal sealed record OfficeSessionCompleted(string SessionId, string? UserId, DateTimeOffset At);

/// <param name="UserId">Who did not come.</param>
internal sealed record OfficeSessionMissed(string SessionId, string UserId, DateTimeOffset At);

internal sealed record OfficeSessionFeedbackGiven(string SessionId, string By, int Rating, [PersonalData] string? Comment, DateTimeOffset At);

/// <param name="UserId">Who is gone.</param>
internal sealed record OfficeSessionLeft(string SessionId, string UserId, DateTimeOffset At);

/// <summary>Something about office sessions was not done.</summary>
/// <param name="UserId">Who asked.</param>
/// <param name="Reason">The code of the answer.</param>
internal sealed record OfficeSessionRefused(string UserId, string? SessionId, string Reason, DateTimeOffset At);
