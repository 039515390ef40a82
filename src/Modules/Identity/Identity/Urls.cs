namespace Modular.Identity;

/// <summary>URLs that a browser is sent to.</summary>
internal static class Urls
{
    /// <summary>The URL with one more parameter, before its fragment.</summary>
    public static string Append(string url, string name, string value)
    {
        var hash = url.IndexOf('#', StringComparison.Ordinal);
        var (address, fragment) = hash < 0 ? (url, "") : (url[..hash], url[hash..]);
        var mark = address.Contains('?', StringComparison.Ordinal) ? '&' : '?';
        return $"{address}{mark}{name}={Uri.EscapeDataString(value)}{fragment}";
    }
}
