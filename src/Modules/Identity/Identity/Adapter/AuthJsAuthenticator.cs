using System.Buffers.Text;
using System.Text.Json.Serialization;

namespace Modular.Identity;

/// <summary>A passkey as Auth.js has it.</summary>
/// <param name="CredentialID">How authenticators name it, in standard base64.</param>
/// <param name="ProviderAccountId">The same.</param>
/// <param name="CredentialPublicKey">As COSE has it, base64.</param>
/// <param name="CredentialDeviceType"><c>singleDevice</c> or <c>multiDevice</c>.</param>
/// <param name="Transports">Joined by commas.</param>
internal sealed record AuthJsAuthenticator(
    string CredentialID,
    string UserId,
    string ProviderAccountId,
    string CredentialPublicKey,
    long Counter,
    string CredentialDeviceType,
    bool CredentialBackedUp,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] string? Transports)
{
    public const string MultiDevice = "multiDevice";
    public const string SingleDevice = "singleDevice";

    // An authenticator says which make it is when it makes a key; Auth.js does not keep it.
    private const string UnknownMake = "00000000-0000-0000-0000-000000000000";

    public static AuthJsAuthenticator Of(Passkey passkey)
    {
        var id = Convert.ToBase64String(Base64Url.DecodeFromChars(passkey.CredentialId));
        return new(
            id, passkey.UserId, id, passkey.PublicKey, passkey.Counter, passkey.IsSynced ? MultiDevice : SingleDevice, passkey.BackedUp,
            passkey.Transports.Length == 0 ? null : passkey.Transports);
    }

    /// <summary>An ordinary passkey of ours, named by nobody.</summary>
    public Passkey ToPasskey(string id, DateTimeOffset now) => new(
        id, UserId, null, KeyOf(CredentialID)!, CredentialPublicKey, Counter, CredentialDeviceType == MultiDevice, CredentialBackedUp, Transports ?? "",
        UnknownMake, now);

    /// <summary>How we write the name of a key; null: it is none.</summary>
    public static string? KeyOf(string? credentialId) => Bytes(credentialId) is { Length: > 0 } bytes ? Base64Url.EncodeToString(bytes) : null;

    /// <summary>Null: this is no base64.</summary>
    public static byte[]? Bytes(string? base64)
    {
        var bytes = new byte[base64?.Length ?? 0];
        return base64 is not null && Convert.TryFromBase64String(base64, bytes, out var length) ? bytes[..length] : null;
    }
}
