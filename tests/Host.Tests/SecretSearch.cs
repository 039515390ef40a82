using System.Buffers.Text;
using System.Text;

namespace Modular.Host.Tests;

/// <summary>Looks for secrets in a text, however they may have been written into it.</summary>
internal sealed class SecretSearch
{
    // Shorter ones would be found by chance.
    private const int Shortest = 8;

    private readonly Dictionary<string, string> _forms = new(StringComparer.Ordinal);

    /// <param name="what">What it is called when it is found.</param>
    /// <param name="secret">As its holder has it.</param>
    public void Add(string what, string secret)
    {
        Assert.True(secret.Length >= Shortest, $"{what} is too short to be looked for");
        foreach (var (form, text) in Forms(secret).Where(form => form.Text.Length >= Shortest))
            _forms.TryAdd(text, $"{what}, {form}");
    }

    /// <summary>What is found, by name and form; the secret itself is not repeated.</summary>
    public IReadOnlyList<string> In(string text) => [.. _forms.Where(form => text.Contains(form.Key, StringComparison.Ordinal)).Select(form => form.Value)];

    private static IEnumerable<(string Form, string Text)> Forms(string secret)
    {
        var bytes = Encoding.UTF8.GetBytes(secret);
        yield return ("as it is", secret);
        yield return ("percent-encoded", Uri.EscapeDataString(secret));
        yield return ("percent-decoded", Uri.UnescapeDataString(secret));
        foreach (var form in OfBytes("its text", bytes))
            yield return form;
        // A token is random bytes before it is text.
        if (Base64Url.IsValid(secret))
        {
            foreach (var form in OfBytes("its bytes", Base64Url.DecodeFromChars(secret)))
                yield return form;
        }
    }

    private static IEnumerable<(string Form, string Text)> OfBytes(string what, byte[] bytes)
    {
        yield return ($"{what} in hex", Convert.ToHexStringLower(bytes));
        yield return ($"{what} in upper hex", Convert.ToHexString(bytes));
        // In the middle of something longer, base64 depends on where it begins; its edges on what surrounds it.
        for (var offset = 0; offset < 3; offset++)
        {
            var padded = new byte[offset + bytes.Length];
            bytes.CopyTo(padded, offset);
            var encoded = Convert.ToBase64String(padded).TrimEnd('=');
            var inner = encoded[(offset == 0 ? 0 : offset + 1)..^(padded.Length % 3 == 0 ? 0 : 1)];
            yield return ($"{what} in base64", inner);
            yield return ($"{what} in base64url", inner.Replace('+', '-').Replace('/', '_'));
        }
    }
}

public sealed class SecretSearchTests
{
    private const string Secret = "kL9_w-0Zq7RrT2yXv5Bn";

    public static TheoryData<string> Written => new(
        Secret,
        $"GET /api/auth/reset-password/{Secret}?x",
        Convert.ToHexString(Encoding.UTF8.GetBytes($"a{Secret}b")),
        $"\\\\x{Convert.ToHexStringLower(Encoding.UTF8.GetBytes(Secret))}",
        Convert.ToHexStringLower(Base64Url.DecodeFromChars(Secret)),
        Convert.ToBase64String(Encoding.UTF8.GetBytes($"{{\"token\":\"{Secret}\"}}")),
        Convert.ToBase64String(Encoding.UTF8.GetBytes($"{{\"atoken\":\"{Secret}\"}}")),
        Convert.ToBase64String(Encoding.UTF8.GetBytes($"{{\"abtoken\":\"{Secret}\"}}")),
        Base64Url.EncodeToString(Encoding.UTF8.GetBytes($"??>>{Secret}??")),
        Convert.ToBase64String(Base64Url.DecodeFromChars(Secret)));

    [Theory, MemberData(nameof(Written))]
    public void A_secret_is_found_however_it_is_written(string text)
    {
        var search = new SecretSearch();
        search.Add("it", Secret);
        Assert.NotEmpty(search.In($"before {text} after"));
    }

    [Fact]
    public void Nothing_is_found_where_nothing_is()
    {
        var search = new SecretSearch();
        search.Add("it", Secret);
        Assert.Empty(search.In(Convert.ToHexString(System.Security.Cryptography.SHA256.HashData(Encoding.UTF8.GetBytes(Secret)))));
    }
}
