using System.Security.Cryptography;
using System.Text;
using Modular.Store;

namespace Modular.Identity;

/// <summary>Codes to be written down, each good once for whoever has lost their authenticator. Only keyed hashes are kept.</summary>
internal sealed class BackupCodes(KeyRing keys)
{
    private const int Amount = 10;

    private const string Letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";

    private byte[] Key => keys.Of("backup-codes");

    /// <summary>Ten new ones, 59 bits each.</summary>
    public static IReadOnlyList<string> Make() =>
        [.. Enumerable.Range(0, Amount).Select(_ => $"{RandomNumberGenerator.GetString(Letters, 5)}-{RandomNumberGenerator.GetString(Letters, 5)}")];

    public IReadOnlyList<string> Hash(string userId, IEnumerable<string> codes) => [.. codes.Select(code => Hash(userId, code))];

    /// <summary>The hash among these that is the code's; null when none is.</summary>
    public string? Find(string userId, string code, IReadOnlyList<string> hashes)
    {
        var given = Encoding.ASCII.GetBytes(Hash(userId, code));
        string? found = null;
        foreach (var hash in hashes)
        {
            if (CryptographicOperations.FixedTimeEquals(given, Encoding.ASCII.GetBytes(hash)))
                found = hash;
        }

        return found;
    }

    private string Hash(string userId, string code) =>
        Convert.ToHexStringLower(HMACSHA256.HashData(Key, Encoding.UTF8.GetBytes($"{userId}\n{code}")));
}
