using Modular.Kernel;

namespace Modular.Sessions.Tests;

/// <summary>Values for tests without a server.</summary>
internal static class Some
{
    public static readonly DateTimeOffset Noon = new(2026, 1, 1, 12, 0, 0, TimeSpan.Zero);

    public static readonly SessionToken Token = new("0123456789-ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcde");

    /// <summary>Signed in at noon, remembered, for eight hours.</summary>
    public static readonly Session Session = new(
        "5e55", "ada", Token.HashText, "handle", true, "password", Noon, Noon, Noon.AddHours(8), "203.0.113.7", "Laptop/1");

    public static readonly AuthOptions Defaults = new();
}
