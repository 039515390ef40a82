using System.Security.Cryptography;
using System.Text;
using Modular.Store;

namespace Modular.Identity;

/// <summary>A code that was mailed as a second factor.</summary>
/// <param name="For">The session or the challenge it was asked for; it is good nowhere else.</param>
internal sealed record MailedCode(string For, string Code)
{
    public const string Purpose = "two-factor-code";

    private const int Digits = 6;

    public static readonly TimeSpan Life = TimeSpan.FromMinutes(3);

    public static MailedCode New(Asked asked) => new(ForOf(asked), RandomNumberGenerator.GetString("0123456789", Digits));

    public static string ForOf(Asked asked) => asked.IsSignIn ? $"challenge:{asked.Asker.Challenge}" : $"session:{asked.Asker.Session!.SessionId}";

    public bool Is(string code) => CryptographicOperations.FixedTimeEquals(Encoding.UTF8.GetBytes(Code), Encoding.UTF8.GetBytes(code));
}

/// <summary>Finds the code that was mailed last; those before are void.</summary>
internal sealed class MailedCodes(IDocumentSession store, SecretBox secrets, TimeProvider clock)
{
    /// <summary>The row and what it stands for; null when there is none, or its time is over.</summary>
    public async Task<(string Id, MailedCode Code)?> Latest(Asked asked, CancellationToken ct)
    {
        var rows = await store.QueryAsync<Verification>("where d.user_id = ? and d.purpose = ?", ct, asked.User.Id, MailedCode.Purpose);
        foreach (var row in rows.OrderByDescending(row => row.CreatedAt))
        {
            if (secrets.OpenJson<MailedCode>(row.Payload, row.Id) is { } code && code.For == MailedCode.ForOf(asked))
                return row.ExpiresAt > clock.GetUtcNow() ? (row.Id, code) : null;
        }

        return null;
    }
}
