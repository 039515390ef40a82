using Modular.Store;

namespace Modular.Profiles;

/// <summary>What somebody who looks for a mentor tells about what they want to learn.</summary>
/// <param name="Interests">As <see cref="Expertise.Normal"/> writes them.</param>
internal sealed record Mentee(string? Goals, IReadOnlyList<string> Interests, DateTimeOffset Since)
{
    public static Mentee Of(MenteeDescribed e) => new(e.Goals, e.Interests ?? [], e.Since);
}

/// <summary>The whole of what a mentee tells, as it is from now on.</summary>
internal sealed record MenteeDescribed(
    string UserId, [PersonalData] string? Goals, [PersonalData] IReadOnlyList<string>? Interests, DateTimeOffset Since, DateTimeOffset At);

/// <summary>They are no mentee any more.</summary>
internal sealed record MenteeWithdrawn(string UserId, DateTimeOffset At);

internal sealed record MenteeAnswer(string? Goals, IReadOnlyList<string> Interests, DateTimeOffset Since)
{
    public static MenteeAnswer? Of(Profile profile) => profile.Mentee is { } mentee ? new(mentee.Goals, mentee.Interests, mentee.Since) : null;
}
