using System.Security.Cryptography;
using System.Text.Json;
using System.Text.RegularExpressions;
using Modular.Testing;

namespace Modular.Host.Tests;

/// <summary>The drill of docs/operations.md: another secret, two nodes, nobody signed out, and the old secret worth nothing in the end.</summary>
public sealed partial class SecretRotationTests
{
    private const string Old = "a secret for tests, long enough to be one";
    private const string New = "another secret for tests, long enough too";
    private const string Password = "four unlikely words 1";

    private static readonly (string, string)[] OnlyOld = [("Auth:Secret", Old)];
    private static readonly (string, string)[] OldFirst = [("Auth:Secret", Old), ("Auth:AcceptedSecrets:0", New)];
    private static readonly (string, string)[] NewFirst = [("Auth:Secret", New), ("Auth:AcceptedSecrets:0", Old)];
    private static readonly (string, string)[] OnlyNew = [("Auth:Secret", New)];

    [Fact]
    public async Task Two_nodes_change_their_secret_one_after_the_other_and_nobody_notices()
    {
        await using var database = await TestDatabase.CreateAsync();
        CookieJar ada;
        Factor factor;
        string keyId;
        await using (var a = await RunningHost.Start(database.ConnectionString, OnlyOld))
        {
            ada = await a.SignUp("ada@example.com", Password);
            factor = await Protect(a, ada);
            keyId = await KeyId(a);
            await a.Post("/api/auth/request-password-reset", new { email = "ada@example.com", redirectTo = "/reset" }, new CookieJar());
            await a.Settled();
        }

        CookieJar later;
        await using (var a = await RunningHost.Start(database.ConnectionString, NewFirst))
        await using (var b = await RunningHost.Start(database.ConnectionString, OldFirst))
        {
            Assert.True(await a.IsIn(ada) && await b.IsIn(ada), "a cookie of the old secret is good on both");
            later = await a.SignUp("bob@example.com", Password);
            var elsewhere = await b.SignUp("eve@example.com", Password);
            Assert.True(await b.IsIn(later) && await a.IsIn(elsewhere), "a node accepts what the other signs");

            var command = new CommandLine(database.ConnectionString) { Secret = New };
            var before = await command.Run("secrets", "status", "--json", $"--Auth:AcceptedSecrets:0={Old}");
            Assert.Equal(1, before.ExitCode);
            Assert.All(before.Json.GetProperty("keys").EnumerateArray(), key => Assert.Equal("accepted secret 1", key.GetProperty("secret").GetString()));
            Assert.Equal(0, (await command.Run("secrets", "rotate", $"--Auth:AcceptedSecrets:0={Old}")).ExitCode);
            Assert.Contains("Nothing to do", (await command.Run("secrets", "rotate", $"--Auth:AcceptedSecrets:0={Old}")).Output, StringComparison.Ordinal);
            var after = await command.Run("secrets", "status");
            Assert.Equal((0, true), (after.ExitCode, after.Output.Contains("no other secret is accepted", StringComparison.Ordinal)));

            // Nobody had to stop for it.
            Assert.True(await a.IsIn(ada) && await b.IsIn(ada));
            await b.SignUp("carol@example.com", Password);
            await a.SignIn("bob@example.com", Password);
            await a.Settled();
            await b.Settled();
        }

        await using (var only = await RunningHost.Start(database.ConnectionString, OnlyNew))
        {
            Assert.False(await only.IsIn(ada), "a cookie of the old secret is worth nothing any more");
            Assert.True(await only.IsIn(later), "a cookie of the new one is");
            await EverythingOpens(only, factor, keyId);
            await only.Sealed();
            var log = await new CommandLine(database.ConnectionString) { Secret = New }.Run("audit", "verify", "--json");
            Assert.True(log.Json.GetProperty("ok").GetBoolean(), log.Output);
        }

        await using var numbers = new Numbers(database.ConnectionString);
        Assert.Equal(1, await numbers.Of("select count(*) from identity.mt_events where type = 'keys.rewrapped.1'"));
        var refused = await new CommandLine(database.ConnectionString) { Secret = Old }.Run("secrets", "status");
        Assert.Equal(1, refused.ExitCode);
        Assert.StartsWith("Auth:Secret is not the one that this database was written with", refused.Error.Trim(), StringComparison.Ordinal);
        Assert.Single(refused.Error.Trim().Split('\n'));
        await Assert.ThrowsAsync<Store.WrongSecretException>(() => RunningHost.Start(database.ConnectionString, OnlyOld));
    }

    [Fact]
    public async Task Upstreams_own_variable_for_several_secrets_is_taken()
    {
        const string First = "the first secret of these tests 0001";
        const string Second = "the second secret of these tests 0002";
        await using var database = await TestDatabase.CreateAsync();
        CookieJar ada;
        await using (var before = await RunningHost.Start(database.ConnectionString, ("Auth:Secret", ""), ("BETTER_AUTH_SECRET", First)))
            ada = await before.SignUp("ada@example.com", Password);
        CookieJar bob;
        await using (var during = await RunningHost.Start(database.ConnectionString, ("Auth:Secret", ""), ("BETTER_AUTH_SECRETS", $"2:{Second}, 1:{First}")))
        {
            Assert.True(await during.IsIn(ada));
            bob = await during.SignUp("bob@example.com", Password);
        }

        await using var after = await RunningHost.Start(database.ConnectionString, ("Auth:Secret", Second), ("Auth:AcceptedSecrets:0", First));
        Assert.True(await after.IsIn(ada) && await after.IsIn(bob));
        await Assert.ThrowsAsync<Microsoft.Extensions.Options.OptionsValidationException>(
            () => RunningHost.Start(database.ConnectionString, ("Auth:Secret", ""), ("BETTER_AUTH_SECRETS", Second)));
    }

    // Sealed before the rotation: the authenticator, its backup codes, the key of tokens, a mail, personal data in events.
    private static async Task EverythingOpens(RunningHost host, Factor factor, string keyId)
    {
        var byCode = new CookieJar();
        await host.Post("/api/auth/sign-in/email", new { email = "ada@example.com", password = Password }, byCode);
        Assert.False(await host.IsIn(byCode), "the second factor is asked for");
        await host.Post("/api/auth/two-factor/verify-backup-code", new { code = factor.BackupCode }, byCode);
        Assert.True(await host.IsIn(byCode));
        var uri = await host.Post("/api/auth/two-factor/get-totp-uri", new { password = Password }, byCode);
        Assert.Equal(Convert.ToHexString(factor.Secret), Convert.ToHexString(SecretOf(uri)));
        Assert.Equal(keyId, await KeyId(host));
        var mails = (await host.Ask(HttpMethod.Get, "/dev/mailbox?to=ada@example.com", null, new CookieJar())).Body;
        Assert.Contains(mails.EnumerateArray(), mail => mail.GetRawText().Contains("reset-password", StringComparison.Ordinal));
        var own = (await host.Ask(HttpMethod.Get, "/api/audit/me?type=session.started.1", null, byCode)).Body.GetRawText();
        Assert.Contains("127.0.0.1", own, StringComparison.Ordinal);
    }

    private static async Task<Factor> Protect(RunningHost host, CookieJar jar)
    {
        var prepared = await host.Post("/api/auth/two-factor/enable", new { password = Password }, jar);
        var secret = SecretOf(prepared);
        await host.Post("/api/auth/two-factor/verify-totp", new { code = Code(secret) }, jar);
        return new Factor(secret, prepared.GetProperty("backupCodes")[0].GetString()!);
    }

    private static async Task<string> KeyId(RunningHost host) =>
        (await host.Ask(HttpMethod.Get, "/api/auth/jwks", null, new CookieJar())).Body.GetProperty("keys")[0].GetProperty("kid").GetString()!;

    private static byte[] SecretOf(JsonElement answer)
    {
        const string Alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
        var bits = string.Concat(InUri().Match(answer.GetProperty("totpURI").GetString()!).Groups[1].Value.Select(letter => Convert.ToString(Alphabet.IndexOf(letter, StringComparison.Ordinal), 2).PadLeft(5, '0')));
        return [.. Enumerable.Range(0, bits.Length / 8).Select(at => Convert.ToByte(bits.Substring(at * 8, 8), 2))];
    }

#pragma warning disable CA5350 // RFC 6238.
    private static string Code(byte[] secret)
    {
        var counter = BitConverter.GetBytes(System.Net.IPAddress.HostToNetworkOrder(DateTimeOffset.UtcNow.ToUnixTimeSeconds() / 30));
        var mac = HMACSHA1.HashData(secret, counter);
        var at = mac[^1] & 15;
        var number = ((mac[at] & 127) << 24) | (mac[at + 1] << 16) | (mac[at + 2] << 8) | mac[at + 3];
        return (number % 1_000_000).ToString("D6", System.Globalization.CultureInfo.InvariantCulture);
    }
#pragma warning restore CA5350

    [GeneratedRegex("secret=([A-Z2-7]+)")]
    private static partial Regex InUri();

    private sealed record Factor(byte[] Secret, string BackupCode);
}
