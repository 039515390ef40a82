using System.Buffers.Text;
using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Text;

namespace Modular.Sessions;

/// <summary>
/// What a user signs in with, as far as a request tells: browser, system and network. Coarse on purpose: a browser that
/// was updated and an address that was renewed are nothing new to anybody.
/// </summary>
internal static class ClientDevice
{
    private static readonly (string Mark, string Name)[] Browsers =
        [("Edg", "Edge"), ("OPR/", "Opera"), ("Firefox/", "Firefox"), ("FxiOS", "Firefox"), ("CriOS", "Chrome"), ("Chrome/", "Chrome"), ("Safari/", "Safari")];

    private static readonly (string Mark, string Name)[] Systems =
        [("iPhone", "iPhone"), ("iPad", "iPad"), ("Android", "Android"), ("Windows", "Windows"), ("Mac OS X", "macOS"), ("CrOS", "ChromeOS"), ("Linux", "Linux")];

    /// <summary>In words that are ours: a header says what its sender likes, and this goes into mails.</summary>
    public static string NameOf(string? userAgent)
    {
        var (browser, system) = (Find(Browsers, userAgent), Find(Systems, userAgent));
        return (browser, system) switch
        {
            (null, null) => "an unknown program",
            (null, _) => $"an unknown program on {system}",
            (_, null) => browser,
            _ => $"{browser} on {system}",
        };
    }

    /// <summary>The same for one user's same device in the same network (/16, of IPv6 /32); of no use to anybody else.</summary>
    public static string KeyOf(string userId, string? userAgent, string? ipAddress) => Base64Url.EncodeToString(
        SHA256.HashData(Encoding.UTF8.GetBytes($"{userId}\n{NameOf(userAgent)}\n{NetworkOf(ipAddress)}")));

    private static string NetworkOf(string? ipAddress)
    {
        if (!IPAddress.TryParse(ipAddress, out var address))
            return "";
        var kept = address.AddressFamily == AddressFamily.InterNetwork ? 2 : 4;
        return Convert.ToHexString(address.GetAddressBytes().AsSpan(0, kept));
    }

    private static string? Find((string Mark, string Name)[] known, string? userAgent) => Array.Find(
        known, entry => userAgent?.Contains(entry.Mark, StringComparison.Ordinal) == true).Name;
}
