using System.Text.Json;
using Modular.Kernel;

namespace Modular.Identity;

/// <summary>What a browser brings from an authenticator, as it came.</summary>
internal static class PasskeyResponse
{
    /// <summary>With a chain of certificates an answer has some thousand characters.</summary>
    private const int Longest = 32 * 1024;

    /// <summary>The member <c>response</c>; something undefined when it is not there and need not be.</summary>
    public static JsonElement Read(WireBody body, bool isRequired)
    {
        var response = isRequired ? body.RequiredObject("response") : body.OptionalObject("response");
        if (response?.GetRawText().Length > Longest)
            body.Fail("response", $"Too big: expected JSON to have <={Longest} characters");
        return response ?? default;
    }

    /// <summary>The key it is about; null when that is no text.</summary>
    public static string? CredentialId(JsonElement response) =>
        response.ValueKind == JsonValueKind.Object && response.TryGetProperty("id", out var id) && id.ValueKind == JsonValueKind.String
            ? id.GetString()
            : null;
}
