using System.Text.Json;
using Modular.Kernel;

namespace Modular.Identity;

/// <summary>Roles that are to be set.</summary>
/// <param name="Names">Null: the client sent something else than text.</param>
internal sealed record RoleWish(IReadOnlyList<string>? Names)
{
    internal static readonly Refusal WrongType = Refusal.BadRequest("INVALID_ROLE_TYPE", "Invalid role type");

    internal static readonly Refusal Unknown = Refusal.BadRequest(
        "YOU_ARE_NOT_ALLOWED_TO_SET_NON_EXISTENT_VALUE", "You are not allowed to set a non-existent role value");

    /// <summary>As a user has them.</summary>
    public string Joined => string.Join(',', Names!.Distinct());

    public Refusal? Refusal => Names switch
    {
        null => WrongType,
        [] => Unknown,
        _ => Names.All(AdminRoles.IsKnown) ? null : Unknown,
    };

    public static RoleWish Of(JsonElement role) => role.ValueKind switch
    {
        JsonValueKind.String => new([role.GetString()!]),
        JsonValueKind.Array when role.EnumerateArray().All(one => one.ValueKind == JsonValueKind.String) =>
            new([.. role.EnumerateArray().Select(one => one.GetString()!)]),
        _ => new((IReadOnlyList<string>?)null),
    };

    /// <summary>The member <c>role</c>, where the input has to be of the right type.</summary>
    public static RoleWish? Read(WireBody body, bool required)
    {
        if (body.Member("role") is not { } role)
        {
            if (required)
                body.Fail("role", "Invalid input");
            return null;
        }

        var wish = Of(role);
        if (wish.Names is null)
            body.Fail("role", "Invalid input");
        return wish;
    }
}
