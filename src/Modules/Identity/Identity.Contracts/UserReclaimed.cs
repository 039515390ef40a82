namespace Modular.Identity.Contracts;

/// <summary>
/// The owner of an address has shown that it is theirs, after it may have been registered by somebody else: whatever lets
/// anybody in without signing in is to end.
/// </summary>
/// <param name="Reason">How they showed it: <c>address_verified</c>, <c>password_reset</c>.</param>
public sealed record UserReclaimed(string UserId, string Reason, DateTimeOffset At);
