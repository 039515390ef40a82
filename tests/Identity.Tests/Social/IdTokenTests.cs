using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;

namespace Modular.Identity.Tests;

public sealed class IdTokenTests
{
    private const string Issuer = "https://id.example.com/realm";

    private static readonly DateTimeOffset Noon = new(2026, 1, 1, 12, 0, 0, TimeSpan.Zero);
    private static readonly long Now = Noon.ToUnixTimeSeconds();
    private static readonly IdTokenExpectation Expected = new([Issuer], ["us", "our-app"], Nonce: "n-1");
    private static readonly IReadOnlyList<ProviderKey> Keys = Tokens.Keys(Tokens.Jwk(Tokens.Rsa));

    public static TheoryData<string, string?, string?> Claims => new()
    {
        // member, value as JSON (null: taken away), flaw
        { "iss", "\"https://id.example.com/realm/\"", "issuer" },
        { "iss", "\"https://ID.example.com/realm\"", "issuer" },
        { "iss", "[\"https://id.example.com/realm\"]", "issuer" },
        { "iss", null, "issuer" },
        { "aud", "\"them\"", "audience" },
        { "aud", "\"US\"", "audience" },
        { "aud", "[]", "audience" },
        { "aud", null, "audience" },
        { "aud", "\"our-app\"", null },
        { "aud", "[\"us\"]", null },
        { "aud", "[\"us\",\"them\"]", "authorized_party" },
        { "azp", "\"them\"", "authorized_party" },
        { "azp", "\"us\"", null },
        { "azp", "\"our-app\"", null },
        { "sub", null, "subject" },
        { "sub", "\"\"", "subject" },
        { "sub", "7", "subject" },
        { "exp", null, "expired" },
        { "exp", "\"soon\"", "expired" },
        { "exp", $"{Now - 60}", "expired" },
        { "exp", $"{Now - 59}", null },
        { "exp", "1e400", "expired" },
        { "nbf", $"{Now + 61}", "not_yet_valid" },
        { "nbf", $"{Now + 60}", null },
        { "nbf", "\"x\"", "not_yet_valid" },
        { "iat", null, "issued_in_future" },
        { "iat", $"{Now + 61}", "issued_in_future" },
        { "iat", $"{Now + 60}", null },
        { "nonce", "\"n-2\"", "nonce" },
        { "nonce", "\"n-1 \"", "nonce" },
        { "nonce", "1", "nonce" },
        { "nonce", null, "nonce" },
        { "at_hash", "\"whatever\"", null },
    };

    private static JsonObject Good() => new()
    {
        ["iss"] = Issuer,
        ["aud"] = "us",
        ["sub"] = "ada",
        ["exp"] = Now + 300,
        ["iat"] = Now,
        ["nonce"] = "n-1",
        ["email"] = "ada@example.com",
    };

    private static IdTokenCheck Check(string token, IdTokenExpectation? expected = null) => IdToken.Check(token, Keys, expected ?? Expected, Noon);

    [Fact]
    public void A_good_one_gives_its_claims()
    {
        var check = Check(Tokens.Sign(Good()));
        Assert.Null(check.Flaw);
        Assert.Equal(Good().ToJsonString(), check.Claims.GetRawText());
    }

    [Theory, MemberData(nameof(Claims))]
    public void Every_claim_counts(string member, string? value, string? flaw)
    {
        var claims = Good();
        claims.Remove(member);
        if (value is not null)
            claims[member] = JsonNode.Parse(value);
        Assert.Equal(flaw, Check(Tokens.Sign(claims)).Flaw);
    }

    [Theory]
    [InlineData("none")]
    [InlineData("None")]
    [InlineData("")]
    [InlineData("HS256")]
    [InlineData("HS512")]
    [InlineData("rs256")]
    [InlineData("EdDSA")]
    public void Only_signatures_of_public_keys_count(string algorithm)
    {
        // With the public key as secret: what a verifier that trusts the header would accept.
        var secret = Encoding.ASCII.GetBytes(Tokens.Rsa.ExportSubjectPublicKeyInfoPem());
        var token = Tokens.Sign(Tokens.Header(algorithm), Good(), data => HMACSHA256.HashData(secret, data));
        Assert.Equal("algorithm", Check(token).Flaw);
    }

    [Fact]
    public void A_token_without_a_signature_is_none()
    {
        var parts = Tokens.Sign(Good()).Split('.');
        Assert.Equal("malformed", Check($"{parts[0]}.{parts[1]}.").Flaw);
        Assert.Equal("malformed", Check($"{parts[0]}.{parts[1]}").Flaw);
        Assert.Equal("malformed", Check($"{Tokens.Encode(Tokens.Header("none"))}.{parts[1]}.").Flaw);
    }

    [Fact]
    public void Every_bit_of_the_signature_counts()
    {
        var parts = Tokens.Sign(Good()).Split('.');
        var signature = Base64Url.DecodeFromChars(parts[2]);
        byte[][] wrong =
        [
            signature[..^1], [.. signature, 0], signature[..1], [.. signature[..^1], (byte)(signature[^1] ^ 1)], new byte[signature.Length],
            Tokens.OtherRsa.SignData(Encoding.ASCII.GetBytes($"{parts[0]}.{parts[1]}"), HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1),
        ];
        Assert.All(wrong, bytes => Assert.Equal("signature", Check($"{parts[0]}.{parts[1]}.{Base64Url.EncodeToString(bytes)}").Flaw));
    }

    [Fact]
    public void What_was_signed_cannot_be_changed()
    {
        var parts = Tokens.Sign(Good()).Split('.');
        var claims = Good();
        claims["sub"] = "eve";
        Assert.Equal("signature", Check($"{parts[0]}.{Tokens.Encode(claims)}.{parts[2]}").Flaw);
    }

    [Theory]
    [InlineData("")]
    [InlineData("bad")]
    [InlineData("..")]
    [InlineData("a.b.c.d.e")]
    [InlineData("e30.e30.e30")]
    [InlineData("W10.W10.W10")]
    [InlineData("e30=.e30=.e30=")]
    [InlineData("bnVsbA.bnVsbA.bnVsbA")]
    public void What_is_no_token_is_no_token(string token) => Assert.True(Check(token).Flaw is "malformed" or "algorithm");

    [Fact]
    public void White_space_padding_and_members_given_twice_are_malformed()
    {
        var parts = Tokens.Sign(Good()).Split('.');
        Assert.Equal("malformed", Check($"{parts[0]}.{parts[1]}. {parts[2]}").Flaw);
        Assert.Equal("malformed", Check($"{parts[0]}.{parts[1]}\n.{parts[2]}").Flaw);
        var twice = Base64Url.EncodeToString("""{"alg":"RS256","kid":"key-1","alg":"none"}"""u8);
        Assert.Equal("malformed", Check($"{twice}.{parts[1]}.{parts[2]}").Flaw);
        Assert.Equal("malformed", Check(new string('a', 40_000)).Flaw);
    }

    [Fact]
    public void An_extension_that_must_be_understood_is_not()
    {
        var header = Tokens.Header("RS256");
        header["crit"] = new JsonArray("b64");
        Assert.Equal("malformed", Check(Tokens.Sign(header, Good(), Rs256)).Flaw);
    }

    [Theory]
    [InlineData("jwt", null)]
    [InlineData("at+jwt", "malformed")]
    [InlineData("logout+jwt", "malformed")]
    public void A_token_of_another_kind_is_no_id_token(string type, string? flaw)
    {
        var header = Tokens.Header("RS256");
        header["typ"] = type;
        Assert.Equal(flaw, Check(Tokens.Sign(header, Good(), Rs256)).Flaw);
    }

    [Fact]
    public void An_unknown_key_is_told_apart_because_newer_keys_may_know_it()
    {
        Assert.Equal("unknown_key", Check(Tokens.Sign(Tokens.Header("RS256", "key-2"), Good(), Rs256)).Flaw);
        Assert.Equal("unknown_key", Check(Tokens.Sign(Tokens.Header("ES256"), Good(), Rs256)).Flaw);
        Assert.Equal("unknown_key", IdToken.Check(Tokens.Sign(Good()), [], Expected, Noon).Flaw);
    }

    [Fact]
    public void Without_a_key_id_every_key_that_fits_is_tried()
    {
        var keys = Tokens.Keys(Tokens.Jwk(Tokens.OtherRsa, "a"), Tokens.Jwk(Tokens.Rsa, null));
        Assert.Null(IdToken.Check(Tokens.Sign(Tokens.Header("RS256", null), Good(), Rs256), keys, Expected, Noon).Flaw);
    }

    [Fact]
    public void A_key_for_something_else_verifies_nothing()
    {
        IReadOnlyList<ProviderKey>[] sets =
        [
            Tokens.Keys(Tokens.Jwk(Tokens.Rsa, "key-1", ("use", "enc"))),
            Tokens.Keys(Tokens.Jwk(Tokens.Rsa, "key-1", ("key_ops", new JsonArray("encrypt")))),
            Tokens.Keys(Tokens.Jwk(Tokens.Rsa, "key-1", ("alg", "PS256"))),
            Tokens.Keys(new JsonObject { ["kty"] = "oct", ["k"] = "AAAA", ["kid"] = "key-1" }, new JsonObject(), JsonValue.Create(1)),
            Tokens.Keys(new JsonObject { ["kty"] = "RSA", ["n"] = "!", ["e"] = "AQAB", ["kid"] = "key-1" }),
        ];
        Assert.All(sets, keys => Assert.Equal("unknown_key", IdToken.Check(Tokens.Sign(Good()), keys, Expected, Noon).Flaw));
    }

    [Fact]
    public void A_short_key_is_none()
    {
        using var weak = RSA.Create(1024);
        Assert.Empty(Tokens.Keys(Tokens.Jwk(weak)));
    }

    [Theory]
    [InlineData("RS384", "SHA384", false)]
    [InlineData("RS512", "SHA512", false)]
    [InlineData("PS256", "SHA256", true)]
    [InlineData("PS384", "SHA384", true)]
    [InlineData("PS512", "SHA512", true)]
    public void Every_RSA_algorithm_of_the_list_works(string algorithm, string hash, bool pss)
    {
        var padding = pss ? RSASignaturePadding.Pss : RSASignaturePadding.Pkcs1;
        var token = Tokens.Sign(Tokens.Header(algorithm), Good(), data => Tokens.Rsa.SignData(data, new HashAlgorithmName(hash), padding));
        Assert.Null(Check(token).Flaw);
        var wrong = Tokens.Sign(Tokens.Header(algorithm), Good(), data => Tokens.Rsa.SignData(
            data, new HashAlgorithmName(hash), pss ? RSASignaturePadding.Pkcs1 : RSASignaturePadding.Pss));
        Assert.Equal("signature", Check(wrong).Flaw);
    }

    [Theory]
    [InlineData("ES256", "P-256", "SHA256")]
    [InlineData("ES384", "P-384", "SHA384")]
    [InlineData("ES512", "P-521", "SHA512")]
    public void Every_curve_of_the_list_works_with_its_own_algorithm(string algorithm, string curve, string hash)
    {
        using var key = ECDsa.Create(ECCurve.CreateFromFriendlyName($"nist{curve.Replace("-", "", StringComparison.Ordinal)}"));
        var keys = Tokens.Keys(Tokens.Jwk(key, curve));
        var token = Tokens.Sign(Tokens.Header(algorithm), Good(), data => key.SignData(data, new HashAlgorithmName(hash)));
        Assert.Null(IdToken.Check(token, keys, Expected, Noon).Flaw);
        var zero = Tokens.Sign(Tokens.Header(algorithm), Good(), data => new byte[key.SignData(data, new HashAlgorithmName(hash)).Length]);
        Assert.Equal("signature", IdToken.Check(zero, keys, Expected, Noon).Flaw);
        var other = algorithm == "ES256" ? "ES384" : "ES256";
        Assert.Equal("unknown_key", IdToken.Check(Tokens.Sign(Tokens.Header(other), Good(), data => key.SignData(data, new HashAlgorithmName(hash))), keys, Expected, Noon).Flaw);
    }

    [Fact]
    public void The_hash_of_the_access_token_counts_where_there_is_one()
    {
        var expected = Expected with { AccessToken = "access" };
        Assert.Null(Check(Tokens.Sign(Good()), expected).Flaw);
        var claims = Good();
        claims["at_hash"] = Base64Url.EncodeToString(SHA256.HashData("access"u8).AsSpan(0, 16));
        Assert.Null(Check(Tokens.Sign(claims), expected).Flaw);
        Assert.Equal("access_token_hash", Check(Tokens.Sign(claims), expected with { AccessToken = "other" }).Flaw);
    }

    [Fact]
    public void A_token_that_a_client_brings_is_young()
    {
        var expected = Expected with { LongestAge = TimeSpan.FromHours(1) };
        Assert.Null(IdToken.Check(Tokens.Sign(Good()), Keys, expected, Noon.AddSeconds(300)).Flaw);
        var claims = Good();
        claims["exp"] = Now + 100_000;
        Assert.Equal("too_old", IdToken.Check(Tokens.Sign(claims), Keys, expected, Noon.AddSeconds(3661)).Flaw);
        Assert.Null(IdToken.Check(Tokens.Sign(claims), Keys, expected, Noon.AddSeconds(3660)).Flaw);
        Assert.Null(IdToken.Check(Tokens.Sign(claims), Keys, Expected, Noon.AddSeconds(3661)).Flaw);
    }

    [Theory]
    [InlineData("72f988bf-86f1-41af-91ab-2d7cd011db47", "72f988bf-86f1-41af-91ab-2d7cd011db47", null)]
    [InlineData("72f988bf-86f1-41af-91ab-2d7cd011db47", "9188040d-6c67-4c5b-b112-36a304b66dad", "issuer")]
    [InlineData("evil/../72f988bf-86f1-41af-91ab-2d7cd011db47", "evil/../72f988bf-86f1-41af-91ab-2d7cd011db47", "issuer")]
    [InlineData("{tenantid}", "{tenantid}", "issuer")]
    [InlineData(null, "72f988bf-86f1-41af-91ab-2d7cd011db47", "issuer")]
    public void Where_every_directory_is_an_issuer_the_token_names_its_own(string? tid, string issuer, string? flaw)
    {
        var dialect = OidcDialect.Of("microsoft", new ProviderOptions { ClientId = "us" });
        var claims = Good();
        (claims["tid"], claims["iss"]) = (tid, $"https://login.microsoftonline.com/{issuer}/v2.0");
        Assert.Equal(flaw, Check(Tokens.Sign(claims), Expected with { Issuers = dialect.TokenIssuers }).Flaw);
    }

    private static byte[] Rs256(byte[] data) => Tokens.Rsa.SignData(data, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1);
}
