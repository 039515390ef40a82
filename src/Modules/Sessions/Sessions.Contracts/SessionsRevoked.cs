namespace Modular.Sessions.Contracts;

/// <summary>A user has ended sessions of theirs: whatever was asked for in one of them may not be what they want.</summary>
public sealed record SessionsRevoked(string UserId, DateTimeOffset At);
