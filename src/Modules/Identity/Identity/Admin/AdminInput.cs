using System.Text.Json;
using Modular.Kernel;

namespace Modular.Identity;

/// <summary>Members that several routes of administrators read.</summary>
internal static class AdminInput
{
    /// <summary>Anything is taken as text, even nothing (contract §7.1): what is nobody's id is answered 404.</summary>
    public static string UserId(WireBody body) => body.Member("userId") switch
    {
        null => body.OptionalString("userId") ?? "undefined",
        { ValueKind: JsonValueKind.String } => body.RequiredString("userId"),
        { } other => other.GetRawText(),
    };

    /// <summary>Bytes of a reason for a ban; it goes into an event.</summary>
    public static void CheckReason(WireBody body, string member, string? reason)
    {
        if (reason is not null && !UserLimits.Fits(reason, UserLimits.NameBytes))
            body.Fail(member, $"Too big: expected string to have <={UserLimits.NameBytes} bytes");
    }
}
