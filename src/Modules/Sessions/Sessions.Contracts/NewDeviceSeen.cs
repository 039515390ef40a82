using MediatR;

namespace Modular.Sessions.Contracts;

/// <summary>A user who has signed in before did so from a device, or from a network, that is new.</summary>
public sealed record NewDeviceSeen(string UserId, string SessionId, DateTimeOffset At);

/// <summary>Asks where a session was started from, whether it lives or not. Null: there never was one.</summary>
public sealed record DescribeSession(string SessionId) : IRequest<SessionOrigin?>;

/// <summary>Where a session was started from.</summary>
/// <param name="Device">In words, e.g. <c>Firefox on Linux</c>.</param>
/// <param name="IpAddress">Null when unknown, or when its user is gone.</param>
public sealed record SessionOrigin(string Device, string? IpAddress);
