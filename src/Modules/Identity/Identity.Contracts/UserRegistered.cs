namespace Modular.Identity.Contracts;

/// <summary>A user exists from now on.</summary>
public sealed record UserRegistered(string UserId, DateTimeOffset At);
