namespace Modular.Identity.Contracts;

/// <summary>A user is gone, and their key with them: whoever keeps anything of theirs lets go of it.</summary>
public sealed record UserDeleted(string UserId, DateTimeOffset At);
