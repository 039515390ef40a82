using System.Text.Json.Serialization;

namespace Modular.Identity;

/// <summary>A passkey as every answer shows it: contract §7.4.</summary>
internal sealed record WirePasskey(
    string? Name,
    string PublicKey,
    string UserId,
    [property: JsonPropertyName("credentialID")] string CredentialId,
    long Counter,
    string DeviceType,
    bool BackedUp,
    string Transports,
    DateTimeOffset CreatedAt,
    string Aaguid,
    string Id)
{
    public static WirePasskey Of(Passkey passkey) => new(
        passkey.Name, passkey.PublicKey, passkey.UserId, passkey.CredentialId, passkey.Counter,
        passkey.IsSynced ? "multiDevice" : "singleDevice", passkey.BackedUp, passkey.Transports, passkey.CreatedAt, passkey.Aaguid, passkey.Id);
}
