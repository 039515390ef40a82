using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Modular.Identity.Tests;

/// <summary>Makes id tokens and keys, good and bad.</summary>
internal static class Tokens
{
    public static readonly RSA Rsa = RSA.Create(2048);
    public static readonly RSA OtherRsa = RSA.Create(2048);

    public static string Encode(JsonNode json) => Base64Url.EncodeToString(Encoding.UTF8.GetBytes(json.ToJsonString()));

    public static JsonObject Header(string algorithm, string? id = "key-1") => id is null
        ? new JsonObject { ["alg"] = algorithm, ["typ"] = "JWT" }
        : new JsonObject { ["alg"] = algorithm, ["typ"] = "JWT", ["kid"] = id };

    public static string Sign(JsonObject header, JsonObject claims, Func<byte[], byte[]> sign)
    {
        var signed = $"{Encode(header)}.{Encode(claims)}";
        return $"{signed}.{Base64Url.EncodeToString(sign(Encoding.ASCII.GetBytes(signed)))}";
    }

    public static string Sign(JsonObject claims, RSA? key = null) => Sign(
        Header("RS256"), claims, data => (key ?? Rsa).SignData(data, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1));

    public static JsonObject Jwk(RSA key, string? id = "key-1", params (string Name, JsonNode Value)[] more)
    {
        var parameters = key.ExportParameters(includePrivateParameters: false);
        var jwk = new JsonObject { ["kty"] = "RSA", ["n"] = Base64Url.EncodeToString(parameters.Modulus), ["e"] = Base64Url.EncodeToString(parameters.Exponent) };
        return With(jwk, id, more);
    }

    public static JsonObject Jwk(ECDsa key, string curve, string? id = "key-1")
    {
        var point = key.ExportParameters(includePrivateParameters: false).Q;
        return With(
            new JsonObject { ["kty"] = "EC", ["crv"] = curve, ["x"] = Base64Url.EncodeToString(point.X), ["y"] = Base64Url.EncodeToString(point.Y) }, id, []);
    }

    public static IReadOnlyList<ProviderKey> Keys(params JsonNode[] jwks) =>
        ProviderKey.ReadSet(JsonSerializer.SerializeToElement(new JsonObject { ["keys"] = new JsonArray(jwks) }));

    private static JsonObject With(JsonObject jwk, string? id, (string Name, JsonNode Value)[] more)
    {
        if (id is not null)
            jwk["kid"] = id;
        foreach (var (name, value) in more)
            jwk[name] = value;
        return jwk;
    }
}
