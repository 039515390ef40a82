using System.Text.Json;
using System.Text.RegularExpressions;
using Modular.Kernel;

namespace Modular.Identity;

/// <summary>What Clerk tells about one of its users.</summary>
/// <param name="UserId">Clerk's id of the user.</param>
/// <param name="User">As they are from now on; null: deleted.</param>
/// <param name="UpdatedAt">Clerk's version of the user: milliseconds since 1970.</param>
/// <param name="SentAt">When the event came about, in milliseconds; decides between two of the same version.</param>
internal sealed record ClerkEvent(string UserId, ClerkUser? User, long UpdatedAt, long SentAt)
{
    private static readonly string[] Changes = ["user.created", "user.updated"];

    /// <summary>What a body says. Null, and no errors: something that is not about users.</summary>
    public static ClerkEvent? Read(JsonElement body, out IReadOnlyList<FieldError> errors)
    {
        errors = [];
        if (JsonMembers.Text(body, "type") is not { } type)
        {
            errors = [new("type", "Invalid input: expected string")];
            return null;
        }

        if (!Changes.Contains(type) && type != "user.deleted")
            return null;
        var data = JsonMembers.Object(body, "data");
        if (data is not { } user || JsonMembers.Text(user, "id") is not { } id || !ClerkUser.IsId(id))
        {
            errors = [new(data is null ? "data" : "data.id", data is null ? "Invalid input: expected object" : "Invalid input: expected the id of a user")];
            return null;
        }

        var sentAt = JsonMembers.Number(body, "timestamp") ?? 0;
        if (type == "user.deleted")
            return new ClerkEvent(id, null, 0, sentAt);
        if (JsonMembers.Number(user, "updated_at") is not { } updatedAt)
        {
            errors = [new("data.updated_at", "Invalid input: expected number")];
            return null;
        }

        return new ClerkEvent(id, ClerkUser.Read(id, user), updatedAt, sentAt);
    }
}

/// <summary>A user as Clerk's API and its webhooks show them.</summary>
/// <param name="Email">The primary address in lower case; null: none that is one.</param>
/// <param name="EmailVerified">Whether Clerk has verified it.</param>
/// <param name="LockedFor">How long a lock lasts; null: nobody knows.</param>
internal sealed partial record ClerkUser(
    string Id, string? Email, bool EmailVerified, string Name, string? Image, DateTimeOffset? CreatedAt, bool Banned, bool Locked, TimeSpan? LockedFor)
{
    // A name that is too long is cut, as of other providers.
    private const int ShortName = 200;

    /// <summary>What may be the id of a user here too: no stream of anything else is named like that.</summary>
    public static bool IsId(string id) => Ids().IsMatch(id);

    public static ClerkUser Read(string id, JsonElement user)
    {
        var (email, isVerified) = PrimaryAddress(user);
        return new ClerkUser(
            id, email, isVerified, NameOf(user), ImageOf(JsonMembers.Text(user, "image_url")),
            JsonMembers.Number(user, "created_at") is { } at and > 0 and < 253_402_300_799_000 ? DateTimeOffset.FromUnixTimeMilliseconds(at) : null,
            JsonMembers.Is(user, "banned"), JsonMembers.Is(user, "locked"),
            JsonMembers.Number(user, "lockout_expires_in_seconds") is { } seconds and > 0 and < 3_153_600_000 ? TimeSpan.FromSeconds(seconds) : null);
    }

    private static (string? Email, bool IsVerified) PrimaryAddress(JsonElement user)
    {
        var primary = JsonMembers.Text(user, "primary_email_address_id");
        foreach (var address in JsonMembers.Array(user, "email_addresses"))
        {
            if (primary is null || JsonMembers.Text(address, "id") != primary || JsonMembers.Text(address, "email_address") is not { } text)
                continue;
            var isVerified = JsonMembers.Object(address, "verification") is { } verification && JsonMembers.Text(verification, "status") == "verified";
            return WireBody.IsEmail(text) ? (text.ToLowerInvariant(), isVerified) : (null, false);
        }

        return (null, false);
    }

    private static string NameOf(JsonElement user)
    {
        var name = string.Join(' ', new[] { JsonMembers.Text(user, "first_name"), JsonMembers.Text(user, "last_name") }.Where(part => !string.IsNullOrWhiteSpace(part)));
        return CutName(name.Length > 0 ? name : JsonMembers.Text(user, "username") ?? "");
    }

    /// <summary>As much of a name as fits.</summary>
    public static string CutName(string name) => UserLimits.Fits(name, UserLimits.NameBytes)
        ? name
        : name[..(char.IsHighSurrogate(name[ShortName - 1]) ? ShortName - 1 : ShortName)];

    /// <summary>Pages show it, so it must not be a script.</summary>
    public static string? ImageOf(string? image) =>
        image is not null && Uri.TryCreate(image, UriKind.Absolute, out var url) && url.Scheme is "https" or "http" && UserLimits.Fits(image, UserLimits.ImageBytes)
            ? image
            : null;

    [GeneratedRegex(@"^[A-Za-z0-9_-]{1,64}\z", RegexOptions.CultureInvariant)]
    private static partial Regex Ids();
}
