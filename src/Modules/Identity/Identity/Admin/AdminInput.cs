using System.Globalization;
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

/// <summary>The columns of a user that an administrator sets; what is not named stays, what is unknown is dropped.</summary>
/// <param name="IsEmpty">Nothing at all was sent, not even something unknown.</param>
internal sealed record AdminUserData(
    WireValue<string> Name,
    WireValue<string> Image,
    string? Email,
    bool? EmailVerified,
    RoleWish? Role,
    bool? Banned,
    WireValue<string> BanReason,
    WireValue<DateTimeOffset?> BanExpires,
    bool HasPassword,
    bool IsEmpty)
{
    public static readonly AdminUserData None = Read(null, JsonElement.Parse("{}"));

    public bool TouchesBan => Banned is not null || BanReason.IsPresent || BanExpires.IsPresent;

    public bool TouchesEmail => Email is not null || EmailVerified is not null;

    /// <param name="body">Where mistakes go.</param>
    /// <param name="data">An object.</param>
    public static AdminUserData Read(WireBody? body, JsonElement data)
    {
        JsonElement? Member(string name) => data.TryGetProperty(name, out var member) ? member : null;
        var (name, image, reason) = (Text(body, "name", Member("name"), false), Text(body, "image", Member("image"), true), Text(body, "banReason", Member("banReason"), true));
        if (body is not null)
        {
            UserLimits.Check(body, name.Value, image.Value);
            AdminInput.CheckReason(body, "data.banReason", reason.Value);
        }

        return new(
            name, image,
            Member("email") is { } email ? email.ToString() : null,
            Bool(body, "emailVerified", Member("emailVerified")),
            Member("role") is { } role ? RoleWish.Of(role) : null,
            Bool(body, "banned", Member("banned")),
            reason,
            Time(body, "banExpires", Member("banExpires")),
            Member("password") is not null,
            !data.EnumerateObject().Any());
    }

    private static WireValue<string> Text(WireBody? body, string name, JsonElement? member, bool nullable)
    {
        if (member is not { } given)
            return default;
        if (given.ValueKind == JsonValueKind.String || (nullable && given.ValueKind == JsonValueKind.Null))
            return new(true, given.GetString());
        body?.Fail($"data.{name}", "Invalid input: expected string");
        return default;
    }

    private static bool? Bool(WireBody? body, string name, JsonElement? member)
    {
        if (member is { ValueKind: not (JsonValueKind.True or JsonValueKind.False) })
            body?.Fail($"data.{name}", "Invalid input: expected boolean");
        return member is { ValueKind: JsonValueKind.True or JsonValueKind.False } given ? given.GetBoolean() : null;
    }

    private static WireValue<DateTimeOffset?> Time(WireBody? body, string name, JsonElement? member)
    {
        if (member is not { } given)
            return default;
        if (given.ValueKind == JsonValueKind.Null)
            return new(true, null);
        if (given.ValueKind == JsonValueKind.String && DateTimeOffset.TryParse(
            given.GetString(), CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal | DateTimeStyles.AdjustToUniversal, out var at))
            return new(true, at);
        body?.Fail($"data.{name}", "Invalid input: expected date");
        return default;
    }
}
