using System.Globalization;
using System.Text.Json;
using Modular.Kernel;

namespace Modular.Identity;

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
