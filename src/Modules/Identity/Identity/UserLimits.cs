using System.Text.Json;
using Modular.Kernel;
using Modular.Store;

namespace Modular.Identity;

/// <summary>
/// How long the texts of a user may be. Better Auth sets no limit; an event of ours holds 60 KiB, and these are in one,
/// encrypted.
/// </summary>
internal static class UserLimits
{
    public const int NameBytes = 2_000;

    /// <summary>Enough for a small picture in a <c>data:</c> URL.</summary>
    public const int ImageBytes = 32 * 1024;

    public static void Check(WireBody body, string? name, string? image)
    {
        Check(body, "name", name, NameBytes);
        Check(body, "image", image, ImageBytes);
    }

    private static void Check(WireBody body, string member, string? text, int most)
    {
        if (text is not null && !Fits(text, most))
            body.Fail(member, $"Too big: expected string to have <={most} bytes");
    }

    /// <summary>Whether a text is short enough as JSON writes it: a control character takes six bytes there.</summary>
    public static bool Fits(string text, int most) =>
        JsonEncodedText.Encode(text, StoreJson.Options.Encoder).EncodedUtf8Bytes.Length <= most;
}
