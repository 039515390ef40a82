using MediatR;

namespace Modular.Profiles.Contracts;

/// <summary>
/// The operator wants somebody to try things with: a user with their whole profile, in one commit, by the commands that
/// people give themselves. Who is there already stays as they are. Commits when it is the outermost request.
/// </summary>
/// <param name="Role"><c>user</c> or <c>admin</c>; that they are mentor or mentee follows from what they tell.</param>
/// <param name="Mentor">Null: they are none.</param>
/// <param name="Mentee">Null: they are none.</param>
public sealed record SeedPerson(
    string UserId, string Name, string Email, string Password, string Role, string Headline, string Biography, string TimeZone, IReadOnlyList<string> Languages,
    SeedMentor? Mentor = null, SeedMentee? Mentee = null) : IRequest<SeededPerson>;

/// <param name="Expertise">A tag and a level: <c>c#:expert</c>.</param>
/// <param name="Times">Parts of working days: <c>09:00-12:30</c>.</param>
public sealed record SeedMentor(IReadOnlyList<string> Expertise, int Capacity, int SlotMinutes, IReadOnlyList<string> Times);

public sealed record SeedMentee(string Goals, IReadOnlyList<string> Interests);

/// <param name="IsNew">They were not there before.</param>
/// <param name="IsGone">They were there once and are deleted; nobody is made anew.</param>
/// <param name="At">When they were made.</param>
/// <param name="Problem">A sentence for the operator; null: there is none.</param>
public sealed record SeededPerson(bool IsNew, bool IsGone, DateTimeOffset At, string? Problem);

/// <summary>
/// The operator wants many users, each with an account and a profile that is empty, some at a time. Who is there already stays
/// as they are. Commits when it is the outermost request.
/// </summary>
public sealed record SeedCrowd(IReadOnlyList<SeedFace> People, string Password) : IRequest<SeededCrowd>;

public sealed record SeedFace(string UserId, string Name, string Email);

/// <param name="New">How many were not there before.</param>
/// <param name="Problem">A sentence for the operator; null: there is none.</param>
public sealed record SeededCrowd(int New, string? Problem);

/// <summary>
/// The caller takes one step of an office session as the operator's story goes, by the command that people give. Nothing is
/// done where the step was taken before, or where the office session has gone another way since. Commits when it is the
/// outermost request.
/// </summary>
/// <param name="Text">Topic, note or comment.</param>
/// <param name="Rating">Of a feedback.</param>
public sealed record SeedOfficeSession(string MentorId, string MenteeId, DateTimeOffset StartsAt, OfficeSessionStep Step, string? Text = null, int? Rating = null)
    : IRequest<SeededStep>;

/// <param name="IsNew">The step was taken now.</param>
/// <param name="Problem">Why it could not be taken; null: it was, or did not have to be.</param>
public sealed record SeededStep(bool IsNew, string? Problem);

public enum OfficeSessionStep
{
    Request,
    Confirm,
    Decline,
    Cancel,
    Complete,
    MarkMissed,
    GiveFeedback,
}
