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

    /// <param name="email">In lower case.</param>
    public string Of(string email) => Convert.ToHexStringLower(HMACSHA256.HashData(key, Encoding.UTF8.GetBytes(email)));
}
