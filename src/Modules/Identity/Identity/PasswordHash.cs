using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace Modular.Identity;

/// <summary>
/// A password as it is stored: <c>$pbkdf2-sha512$i=220000$salt$key</c>, salt and key in base64; or, of users who were
/// imported from a Better Auth server, <c>hex(salt):hex(key)</c> by scrypt (contract §8). Passwords are compared in
/// their NFKC form, so that the keyboard they are typed on does not matter.
/// </summary>
internal static class PasswordHash
{
    private const string Name = "pbkdf2-sha512";
    private const int SaltBytes = 16;
    private const int KeyBytes = 64;

    /// <summary>Takes as long as <paramref name="iterations"/> say.</summary>
    public static string Make(string password, int iterations)
    {
        var salt = RandomNumberGenerator.GetBytes(SaltBytes);
        var key = Derive(Normal(password), salt, iterations);
        return string.Create(CultureInfo.InvariantCulture, $"${Name}$i={iterations}${Convert.ToBase64String(salt)}${Convert.ToBase64String(key)}");
    }

    /// <summary>
    /// Whether the password is the right one. A wrong one costs at least <paramref name="iterations"/>, as an address
    /// without a hash does: how long the answer takes does not tell an old account from none.
    /// </summary>
    /// <exception cref="FormatException">The stored text is neither format.</exception>
    public static bool Verify(string hash, string password, int iterations)
    {
        var normal = Normal(password);
        if (Parse(hash) is not { } stored)
            return VerifyScrypt(hash, normal);
        if (CryptographicOperations.FixedTimeEquals(Derive(normal, stored.Salt, stored.Iterations), stored.Key))
            return true;
        if (stored.Iterations < iterations)
            Derive(normal, stored.Salt, iterations - stored.Iterations);
        return false;
    }

    /// <summary>The work of a verification, for an address that has no hash.</summary>
    public static void Spend(string password, int iterations) => Derive(Normal(password), new byte[SaltBytes], iterations);

    /// <summary>Whether the hash is to be made again now that the password is known: it was made with less work, or elsewhere.</summary>
    public static bool IsOutdated(string hash, int iterations) => Parse(hash) is not { } stored || stored.Iterations < iterations;

    private static byte[] Derive(byte[] password, byte[] salt, int iterations) =>
        Rfc2898DeriveBytes.Pbkdf2(password, salt, iterations, HashAlgorithmName.SHA512, KeyBytes);

    private static byte[] Normal(string password) => Encoding.UTF8.GetBytes(password.Normalize(NormalizationForm.FormKC));

    private static (int Iterations, byte[] Salt, byte[] Key)? Parse(string hash) =>
        hash.Split('$') is ["", Name, ['i', '=', .. var iterations], var salt, var key]
            ? (int.Parse(iterations, CultureInfo.InvariantCulture), Convert.FromBase64String(salt), Convert.FromBase64String(key))
            : null;

    // The salt is the hex text itself, not the bytes it stands for.
    private static bool VerifyScrypt(string hash, byte[] password)
    {
        if (hash.Split(':') is not [var salt, { Length: 2 * KeyBytes } key])
            throw new FormatException("A stored password hash is in no known format.");
        var derived = Scrypt.DeriveKey(password, Encoding.UTF8.GetBytes(salt), n: 16384, r: 16, p: 1, KeyBytes);
        return CryptographicOperations.FixedTimeEquals(derived, Convert.FromHexString(key));
    }
}
