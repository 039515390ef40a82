using System.Buffers.Binary;
using System.Buffers.Text;
using System.Formats.Cbor;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;

namespace Modular.Identity.Tests;

/// <summary>What an authenticator and the browser before it say; each member can be a lie.</summary>
internal sealed record Claims(string Origin, string RpId)
{
    public string? Type { get; init; }

    public string? Challenge { get; init; }

    public bool CrossOrigin { get; init; }

    public AuthenticatorFlags Flags { get; init; } = AuthenticatorFlags.UserPresent;

    /// <summary>Null: as the authenticator counts.</summary>
    public uint? Counter { get; init; }

    /// <summary>Signed by another key than the one it is said to be.</summary>
    public bool IsForged { get; init; }

    /// <summary>Null: as it was given at the registration; empty: none is said.</summary>
    public string? UserHandle { get; init; }

    public IReadOnlyList<string?>? Transports { get; init; } = ["internal", "hybrid"];
}

[Flags]
internal enum AuthenticatorFlags : byte
{
    UserPresent = 0x01,
    UserVerified = 0x04,
    BackupEligible = 0x08,
    BackedUp = 0x10,
}

/// <summary>An authenticator of one key, as WebAuthn describes it, in some lines.</summary>
internal sealed class SoftAuthenticator(int algorithm = SoftAuthenticator.Es256, int rsaBits = 2048, byte[]? id = null) : IDisposable
{
    public const int Es256 = -7;
    public const int Rs256 = -257;
    public const int EdDsa = -8;

    private const byte AttestedData = 0x40;

    private readonly ECDsa ec = ECDsa.Create(ECCurve.NamedCurves.nistP256);
    private readonly RSA rsa = RSA.Create(algorithm == Rs256 ? rsaBits : 2048);

    public byte[] Id { get; } = id ?? RandomNumberGenerator.GetBytes(16);

    public string IdText => Base64Url.EncodeToString(Id);

    public static Guid Aaguid { get; } = new("ea9b8d66-4d01-1d21-3ce4-b6b48cb575d4");

    /// <summary>How often it has signed; null: it does not count.</summary>
    public uint? Counter { get; set; }

    public string UserHandle { get; private set; } = "";

    public string PublicKey => Convert.ToBase64String(CoseKey());

    /// <summary>A second authenticator with the same key: what must not exist.</summary>
    public SoftAuthenticator Copy()
    {
        var copy = new SoftAuthenticator(algorithm, rsaBits, Id) { Counter = Counter, UserHandle = UserHandle };
        copy.ec.ImportParameters(ec.ExportParameters(includePrivateParameters: true));
        copy.rsa.ImportParameters(rsa.ExportParameters(includePrivateParameters: true));
        return copy;
    }

    /// <summary>What a browser sends as <c>response</c> of verify-registration, as the official client does.</summary>
    public Dictionary<string, object?> Attest(JsonElement options, Claims claims)
    {
        UserHandle = options.GetProperty("user").GetProperty("id").GetString()!;
        var attestation = new CborWriter(CborConformanceMode.Ctap2Canonical);
        attestation.WriteStartMap(3);
        attestation.WriteTextString("fmt");
        attestation.WriteTextString("none");
        attestation.WriteTextString("attStmt");
        attestation.WriteStartMap(0);
        attestation.WriteEndMap();
        attestation.WriteTextString("authData");
        attestation.WriteByteString(AuthenticatorData(claims, Attested()));
        attestation.WriteEndMap();
        return Credential(new()
        {
            ["clientDataJSON"] = Base64Url.EncodeToString(ClientData("webauthn.create", options, claims)),
            ["attestationObject"] = Base64Url.EncodeToString(attestation.Encode()),
            ["transports"] = claims.Transports,
        });
    }

    /// <summary>What a browser sends as <c>response</c> of verify-authentication.</summary>
    public Dictionary<string, object?> Assert(JsonElement options, Claims claims)
    {
        if (Counter is not null)
            Counter++;
        var (client, data) = (ClientData("webauthn.get", options, claims), AuthenticatorData(claims, []));
        var response = new Dictionary<string, object?>
        {
            ["clientDataJSON"] = Base64Url.EncodeToString(client),
            ["authenticatorData"] = Base64Url.EncodeToString(data),
            ["signature"] = Base64Url.EncodeToString(Sign([.. data, .. SHA256.HashData(client)], claims.IsForged)),
        };
        if (claims.UserHandle is not "")
            response["userHandle"] = claims.UserHandle ?? UserHandle;
        return Credential(response);
    }

    public void Dispose()
    {
        ec.Dispose();
        rsa.Dispose();
    }

    private Dictionary<string, object?> Credential(Dictionary<string, object?> response) => new()
    {
        ["id"] = IdText,
        ["rawId"] = IdText,
        ["type"] = "public-key",
        ["authenticatorAttachment"] = "platform",
        ["response"] = response,
    };

    private static byte[] ClientData(string type, JsonElement options, Claims claims) => Encoding.UTF8.GetBytes(JsonSerializer.Serialize(new
    {
        type = claims.Type ?? type,
        challenge = claims.Challenge ?? options.GetProperty("challenge").GetString(),
        origin = claims.Origin,
        crossOrigin = claims.CrossOrigin,
    }));

    private byte[] AuthenticatorData(Claims claims, byte[] attested)
    {
        var counter = new byte[4];
        BinaryPrimitives.WriteUInt32BigEndian(counter, claims.Counter ?? Counter ?? 0);
        var flags = (byte)((byte)claims.Flags | (attested.Length > 0 ? AttestedData : 0));
        return [.. SHA256.HashData(Encoding.UTF8.GetBytes(claims.RpId)), flags, .. counter, .. attested];
    }

    private byte[] Attested() => [.. Aaguid.ToByteArray(bigEndian: true), (byte)(Id.Length >> 8), (byte)Id.Length, .. Id, .. CoseKey()];

    private byte[] Sign(byte[] data, bool isForged)
    {
        using var other = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        return algorithm == Rs256
            ? rsa.SignData(data, isForged ? HashAlgorithmName.SHA512 : HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1)
            : (isForged ? other : ec).SignData(data, HashAlgorithmName.SHA256, DSASignatureFormat.Rfc3279DerSequence);
    }

    private byte[] CoseKey()
    {
        var (point, key) = (ec.ExportParameters(false), rsa.ExportParameters(false));
        (int Label, object Value)[] members = algorithm switch
        {
            Es256 => [(1, 2), (3, Es256), (-1, 1), (-2, point.Q.X!), (-3, point.Q.Y!)],
            Rs256 => [(1, 3), (3, Rs256), (-1, key.Modulus!), (-2, key.Exponent!)],
            _ => [(1, 1), (3, EdDsa), (-1, 6), (-2, point.Q.X!)],
        };
        var writer = new CborWriter(CborConformanceMode.Ctap2Canonical);
        writer.WriteStartMap(members.Length);
        foreach (var (label, value) in members)
        {
            writer.WriteInt32(label);
            if (value is byte[] bytes)
                writer.WriteByteString(bytes);
            else
                writer.WriteInt32((int)value);
        }

        writer.WriteEndMap();
        return writer.Encode();
    }
}
