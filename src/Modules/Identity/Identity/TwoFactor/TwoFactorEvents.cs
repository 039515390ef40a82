namespace Modular.Identity;

/// <summary>A user was given an authenticator's secret and backup codes; not in force until a code was shown.</summary>
internal sealed record TwoFactorPrepared(string UserId, DateTimeOffset At);

/// <summary>From now on the password alone lets nobody in.</summary>
/// <param name="Method">What was set up: <c>totp</c> or <c>otp</c>.</param>
internal sealed record TwoFactorEnabled(string UserId, string Method, DateTimeOffset At);

/// <summary>The password is enough again.</summary>
/// <param name="Reason">By which way: <c>self</c>, <c>address_verified</c> (somebody else had set it up).</param>
internal sealed record TwoFactorDisabled(string UserId, string Reason, DateTimeOffset At);

/// <summary>The password was right, and the second factor is asked for.</summary>
internal sealed record TwoFactorAsked(string UserId, DateTimeOffset At);

/// <summary>The second factor was not asked for.</summary>
/// <param name="Reason"><c>trusted_device</c>.</param>
internal sealed record TwoFactorSkipped(string UserId, string Reason, DateTimeOffset At);

/// <summary>A code was right.</summary>
/// <param name="Method"><c>totp</c>, <c>otp</c> or <c>backup_code</c>.</param>
/// <param name="Reason">What for: <c>sign_in</c>, or <c>in_session</c>.</param>
internal sealed record TwoFactorVerified(string UserId, string Method, string Reason, DateTimeOffset At);

/// <summary>A code was refused.</summary>
/// <param name="Method"><c>totp</c>, <c>otp</c> or <c>backup_code</c>.</param>
/// <param name="Reason"><c>wrong_code</c>, <c>used_code</c>, <c>locked</c> (that wrong one was the last for now), <c>too_many_codes</c> (the challenge is void).</param>
internal sealed record TwoFactorFailed(string UserId, string Method, string Reason, DateTimeOffset At);

/// <summary>A code was mailed.</summary>
internal sealed record TwoFactorCodeSent(string UserId, DateTimeOffset At);

/// <summary>A user has new backup codes; the old ones are void.</summary>
internal sealed record BackupCodesGenerated(string UserId, DateTimeOffset At);

/// <summary>The second factor is not asked for on a device, until its time is over or it is forgotten.</summary>
internal sealed record DeviceTrusted(string UserId, DateTimeOffset Until, DateTimeOffset At);

/// <summary>No device of a user is trusted any more.</summary>
/// <param name="Devices">How many were.</param>
/// <param name="Reason"><c>two_factor_disabled</c>, <c>new_password</c>, <c>address_verified</c>.</param>
internal sealed record DevicesForgotten(string UserId, int Devices, string Reason, DateTimeOffset At);
