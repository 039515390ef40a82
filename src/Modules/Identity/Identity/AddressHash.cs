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

    /// <summary>
    /// Whom an event is about: a user, or else an address that is nobody's. That has a key of its own, so what the log keeps of
    /// whoever used it can be erased like a person (DESIGN §7, "Erasure").
    /// </summary>
    public static string? SubjectOf(string? userId, string? addressHash) => userId ?? (addressHash is null ? null : $"address:{addressHash}");

    /// <param name="email">In lower case.</param>
    public string Of(string email) => Convert.ToHexStringLower(HMACSHA256.HashData(Key, Encoding.UTF8.GetBytes(email)));
}
