using System.Text.Json;
using System.Text.RegularExpressions;
using Modular.Testing;

namespace Modular.Identity.Tests;

/// <summary>What was mailed, by Development's mailbox.</summary>
internal static partial class Letters
{
    /// <summary>The mails to an address, oldest first, once everything that was asked for has left.</summary>
    public static async Task<IReadOnlyList<JsonElement>> MailsTo(this App app, string address)
    {
        await app.Settled();
        var result = await app.Scenario(_ => _.Get.Url($"/dev/mailbox?to={Uri.EscapeDataString(address)}"));
        return [.. result.Json().EnumerateArray()];
    }

    /// <summary>Path and query of the link in the latest mail to an address.</summary>
    public static async Task<string> LinkTo(this App app, string address)
    {
        var text = (await app.MailsTo(address))[^1].GetProperty("text").GetString()!;
        return new Uri(Link().Match(text).Value).PathAndQuery;
    }

    public static string Subject(this JsonElement mail) => mail.GetProperty("subject").GetString()!;

    [GeneratedRegex(@"http://\S+")]
    private static partial Regex Link();
}
