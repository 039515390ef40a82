using System.Security.Cryptography;
using System.Text;
using Microsoft.Extensions.Options;
using Modular.Kernel;

namespace Modular.Identity;

/// <summary>
/// What the log keeps of an e-mail address that belongs to nobody: a keyed hash, so that attempts on one address can be
/// counted and nobody can be found by it without the secret (DESIGN §4, "Personal data").
/// </summary>
internal sealed class AddressHash(IOptions<AuthOptions> options)
{
    private readonly byte[] key = HKDF.DeriveKey(
        HashAlgorithmName.SHA256, Encoding.UTF8.GetBytes(options.Value.Secret!), 32, info: "modular/address-hash/1"u8.ToArray());

    /// <summary>
    /// Whom an event is about: a user, or else an address that is nobody's. That has a key of its own, so what the log keeps of
    /// whoever used it can be erased like a person (DESIGN §7, "Erasure").
    /// </summary>
    public static string? SubjectOf(string? userId, string? addressHash) => userId ?? (addressHash is null ? null : $"address:{addressHash}");

    /// <param name="email">In lower case.</param>
    public string Of(string email) => Convert.ToHexStringLower(HMACSHA256.HashData(key, Encoding.UTF8.GetBytes(email)));
}
