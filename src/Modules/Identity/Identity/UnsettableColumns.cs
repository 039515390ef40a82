using System.Text.Json;
using Modular.Kernel;

namespace Modular.Identity;

/// <summary>Columns of a user that no user sets: naming one with a truthy value is refused, contract §6.1.</summary>
internal static class UnsettableColumns
{
    private static readonly string[] Names = ["role", "banned", "banReason", "banExpires"];

    /// <summary>The first that the input tries to set.</summary>
    public static string? Find(WireBody body) => Array.Find(Names, name => IsTruthy(body, name));

    public static Refusal NotAllowed(string column) => Refusal.BadRequest("FIELD_NOT_ALLOWED", $"{column} is not allowed to be set");

    /// <summary>As JavaScript sees it: absent, null, false, 0 and the empty string are not.</summary>
    public static bool IsTruthy(WireBody body, string name) => body.Member(name) is { } value && value.ValueKind switch
    {
        JsonValueKind.Null or JsonValueKind.Undefined or JsonValueKind.False => false,
        JsonValueKind.String => !value.ValueEquals(""),
        JsonValueKind.Number => value.GetDouble() != 0,
        _ => true,
    };
}
