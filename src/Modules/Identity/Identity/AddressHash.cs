using System.Security.Cryptography;
using System.Text;
using Modular.Store;

namespace Modular.Identity;

/// <summary>
/// What the log keeps of an e-mail address that belongs to nobody: a keyed hash, so that attempts on one address can be
/// counted and nobody can be found by it without the secret (DESIGN §4, "Personal data").
/// </summary>
internal sealed class AddressHash(KeyRing keys)
{
    private byte[] Key => keys.Of("address-hash");

    /// <param name="email">In lower case.</param>
    public string Of(string email) => Convert.ToHexStringLower(HMACSHA256.HashData(Key, Encoding.UTF8.GetBytes(email)));
}
