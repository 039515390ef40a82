using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text.Json;

namespace Modular.Identity;

/// <summary>A public key of a provider: a JSON Web Key (RFC 7517) that can verify a signature.</summary>
internal sealed class ProviderKey
{
    // NIST SP 800-131A; shorter ones have been factored or soon will be.
    private const int ShortestModulus = 2048;

    private static readonly Dictionary<string, Algorithm> Algorithms = new(StringComparer.Ordinal)
    {
        ["RS256"] = new(HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1, null),
        ["RS384"] = new(HashAlgorithmName.SHA384, RSASignaturePadding.Pkcs1, null),
        ["RS512"] = new(HashAlgorithmName.SHA512, RSASignaturePadding.Pkcs1, null),
        ["PS256"] = new(HashAlgorithmName.SHA256, RSASignaturePadding.Pss, null),
        ["PS384"] = new(HashAlgorithmName.SHA384, RSASignaturePadding.Pss, null),
        ["PS512"] = new(HashAlgorithmName.SHA512, RSASignaturePadding.Pss, null),
        ["ES256"] = new(HashAlgorithmName.SHA256, null, "P-256"),
        ["ES384"] = new(HashAlgorithmName.SHA384, null, "P-384"),
        ["ES512"] = new(HashAlgorithmName.SHA512, null, "P-521"),
    };

    private readonly string? algorithm;
    private readonly RSAParameters? rsa;
    private readonly ECParameters? curve;
    private readonly string? curveName;

    private ProviderKey(JsonElement jwk)
    {
        (Id, algorithm) = (jwk.Text("kid"), jwk.Text("alg"));
        if (jwk.Text("kty") == "RSA")
            rsa = new RSAParameters { Modulus = Bytes(jwk, "n"), Exponent = Bytes(jwk, "e") };
        else if (jwk.Text("kty") == "EC")
            (curveName, curve) = (jwk.Text("crv"), new ECParameters { Curve = Curve(jwk.Text("crv")), Q = { X = Bytes(jwk, "x"), Y = Bytes(jwk, "y") } });
    }

    /// <summary>Null: the provider gives it none.</summary>
    public string? Id { get; }

    /// <summary>Those we accept: signatures of public keys. Never <c>none</c>, and no HMAC, whose key would be public.</summary>
    public static bool IsKnown(string? algorithm) => algorithm is not null && Algorithms.ContainsKey(algorithm);

    /// <summary>The hash that belongs to a signature algorithm, which <c>at_hash</c> uses too.</summary>
    public static HashAlgorithmName HashOf(string algorithm) => Algorithms[algorithm].Hash;

    /// <summary>The keys of a set (<c>jwks_uri</c>) that are good for signatures; others are skipped, not an error.</summary>
    public static IReadOnlyList<ProviderKey> ReadSet(JsonElement set)
    {
        if (set.ValueKind != JsonValueKind.Object || !set.TryGetProperty("keys", out var keys) || keys.ValueKind != JsonValueKind.Array)
            throw new ProviderException("The provider's keys are no JSON Web Key Set.");
        return [.. keys.EnumerateArray().Where(IsForSignatures).Select(Read).OfType<ProviderKey>()];
    }

    public bool Fits(string wanted) => IsKnown(wanted) && (algorithm is null || algorithm == wanted)
        && (Algorithms[wanted].Padding is not null ? rsa is not null : curve is not null && curveName == Algorithms[wanted].Curve);

    public bool Verifies(string wanted, ReadOnlySpan<byte> data, ReadOnlySpan<byte> signature)
    {
        var (hash, padding, _) = Algorithms[wanted];
        if (padding is null)
        {
            using var ec = ECDsa.Create(curve!.Value);
            return ec.VerifyData(data, signature, hash, DSASignatureFormat.IeeeP1363FixedFieldConcatenation);
        }

        using var key = RSA.Create(rsa!.Value);
        return key.VerifyData(data, signature, hash, padding);
    }

    private static bool IsForSignatures(JsonElement jwk) => jwk.Text("use") is null or "sig"
        && (jwk.Texts("key_ops") is not { Count: > 0 } operations || operations.Contains("verify"));

    private static ProviderKey? Read(JsonElement jwk)
    {
        try
        {
            var key = new ProviderKey(jwk);
            return key.IsUsable() ? key : null;
        }
        catch (Exception wrong) when (wrong is FormatException or CryptographicException)
        {
            return null;
        }
    }

    private bool IsUsable()
    {
        if (rsa is { } parameters)
        {
            using var key = RSA.Create(parameters);
            return key.KeySize >= ShortestModulus;
        }

        if (curve is not { } point)
            return false;

        // Importing checks that the point is on the curve.
        using var ec = ECDsa.Create(point);
        return true;
    }

    private static ECCurve Curve(string? name) => name switch
    {
        "P-256" => ECCurve.NamedCurves.nistP256,
        "P-384" => ECCurve.NamedCurves.nistP384,
        "P-521" => ECCurve.NamedCurves.nistP521,
        _ => throw new FormatException("Unknown curve."),
    };

    private static byte[] Bytes(JsonElement jwk, string name) =>
        Base64Url.DecodeFromChars(jwk.Text(name) ?? throw new FormatException($"The key has no {name}."));

    private sealed record Algorithm(HashAlgorithmName Hash, RSASignaturePadding? Padding, string? Curve);
}
