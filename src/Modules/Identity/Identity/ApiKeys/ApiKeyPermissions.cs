using System.Text.Json;
using Modular.Store;

namespace Modular.Identity;

/// <summary>What permissions of a key may look like.</summary>
internal static class ApiKeyPermissions
{
    public const string Problem = "An object of lists of texts, at most 8 KiB, without NUL characters.";

    public static bool AreWellFormed(IReadOnlyDictionary<string, IReadOnlyList<string>>? permissions)
    {
        if (permissions is null)
            return true;
        if (permissions.Values.Any(actions => actions is null || actions.Any(action => action is null)))
            return false;
        var text = JsonSerializer.Serialize(permissions, StoreJson.Options);
        return UserLimits.Fits(text, ApiKeyRules.MostJsonBytes) && !text.Contains("\\u0000", StringComparison.Ordinal);
    }
}
