using System.Diagnostics;
using System.Text.Json;
using Modular.Audit.Contracts;

namespace Modular.Audit.Tests;

/// <summary>Exports, checked by the server's own code and by <c>tools/verify-log</c>, which knows nothing of it.</summary>
public sealed class ExportLogTests
{
    [Theory]
    [InlineData(0L, null)]
    [InlineData(0L, 256L)]
    [InlineData(37L, 580L)]
    [InlineData(512L, 513L)]
    [InlineData(600L, 600L)]
    public async Task An_export_proves_itself_to_both(long from, long? to)
    {
        await using var app = await TamperDrillTests.Signed();
        using var export = await Export(app.Value, from, to);
        var keys = (await app.Value.Send(new Contracts.ReadLogKeys())).Keys.Select(key => key.Key).ToList();
        var found = await AuditModule.VerifyExport(new VerifyExport(export.Path, export.Manifest, [], keys), default);
        Assert.Equal((from, to ?? 600, null, true), (found.From, found.To, found.Problem, found.IsSigned));
        var other = await StandAlone(export, "--key", keys[0]);
        Assert.Equal((true, from, to ?? 600), (other.GetProperty("ok").GetBoolean(), other.GetProperty("from").GetInt64(), other.GetProperty("to").GetInt64()));
        Assert.Equal(found.Root, other.GetProperty("root").GetString());
    }

    [Theory]
    [InlineData("flip", 300, "leaf_hash")]
    [InlineData("flip and hash", 300, "tile")]
    [InlineData("flip and hash", 550, "root")]
    [InlineData("delete", 300, "entry_missing")]
    [InlineData("insert", 300, "entry_missing")]
    [InlineData("swap", 300, "entry_missing")]
    [InlineData("cut", 580, "entry_missing")]
    public async Task Both_name_the_first_position_that_was_changed(string act, int position, string problem)
    {
        await using var app = await TamperDrillTests.Signed();
        using var export = await Export(app.Value, 0, null);
        var lines = (await File.ReadAllLinesAsync(export.Path)).ToList();
        var entry = JsonDocument.Parse(lines[position]).RootElement.GetProperty("entry").GetString()!.Replace("gadget", "widget", StringComparison.Ordinal);
        var leaf = Convert.ToBase64String(MerkleTree.LeafHash(System.Text.Encoding.UTF8.GetBytes(entry)));
        Action change = act switch
        {
            "flip" => () => lines[position] = lines[position].Replace("gadget", "widget", StringComparison.Ordinal),
            "flip and hash" => () => lines[position] = JsonSerializer.Serialize(new { position, leaf, entry }),
            "delete" => () => lines.RemoveAt(position),
            "insert" => () => lines.Insert(position, lines[4]),
            "swap" => () => (lines[position], lines[position + 1]) = (lines[position + 1], lines[position]),
            _ => () => lines.RemoveRange(position, lines.Count - position),
        };
        change();
        await File.WriteAllTextAsync(export.Path, string.Concat(lines.Select(line => line + "\n")));

        var due = problem switch { "tile" => 256, "root" => 0, _ => position };
        var keys = (await app.Value.Send(new Contracts.ReadLogKeys())).Keys.Select(key => key.Key).ToList();
        var found = await AuditModule.VerifyExport(new VerifyExport(export.Path, export.Manifest, [], keys), default);
        Assert.Equal((due, problem), (found.FirstWrong, found.Problem));
        var other = await StandAlone(export, "--key", keys[0]);
        Assert.Equal((false, due, problem), (other.GetProperty("ok").GetBoolean(), other.GetProperty("firstWrong").GetInt64(), other.GetProperty("problem").GetString()));
    }

    [Theory]
    [InlineData("line breaks of another system", 0, "digest")]
    [InlineData("a mark before the first byte", 0, "unreadable")]
    [InlineData("half a line", 300, "unreadable")]
    [InlineData("no line", 300, "unreadable")]
    [InlineData("another object", 300, "unreadable")]
    [InlineData("bytes that are no text", 300, "unreadable")]
    [InlineData("an entry behind the manifest", 600, "after_manifest")]
    [InlineData("an empty line behind the manifest", 600, "after_manifest")]
    public async Task Both_take_a_file_for_the_bytes_that_it_is(string act, int position, string problem)
    {
        await using var app = await TamperDrillTests.Signed();
        using var export = await Export(app.Value, 0, null);
        var whole = await File.ReadAllTextAsync(export.Path) + JsonSerializer.Serialize(new { manifest = export.Manifest }) + "\n";
        File.Delete($"{export.Path}.manifest");
        var keys = (await app.Value.Send(new Contracts.ReadLogKeys())).Keys.Select(key => key.Key).ToList();
        await File.WriteAllTextAsync(export.Path, whole);
        Assert.Null((await AuditModule.VerifyExport(new VerifyExport(export.Path, null, [], keys), default)).Problem);
        Assert.True((await StandAlone(export, "--key", keys[0])).GetProperty("ok").GetBoolean());

        var lines = whole.Split('\n').ToList();
        byte[] changed = act switch
        {
            "line breaks of another system" => Bytes(whole.Replace("\n", "\r\n", StringComparison.Ordinal)),
            "a mark before the first byte" => [0xEF, 0xBB, 0xBF, .. Bytes(whole)],
            "half a line" => Bytes(string.Join('\n', lines.Select((line, at) => at == 300 ? line[..50] : line))),
            "no line" => Bytes(string.Join('\n', lines.Select((line, at) => at == 300 ? "" : line))),
            "another object" => Bytes(string.Join('\n', lines.Select((line, at) => at == 300 ? "{\"position\":300}" : line))),
            "bytes that are no text" => [.. Bytes(string.Join('\n', lines[..300]) + "\n" + lines[300].Replace("gadget", "\u0001", StringComparison.Ordinal)).Select(b => b == 1 ? (byte)0xFF : b), .. Bytes("\n" + string.Join('\n', lines[301..]))],
            "an entry behind the manifest" => Bytes(whole + lines[4] + "\n"),
            _ => Bytes(whole + "\n"),
        };
        await File.WriteAllBytesAsync(export.Path, changed);
        var found = await AuditModule.VerifyExport(new VerifyExport(export.Path, null, [], keys), default);
        Assert.Equal((position, problem), (found.FirstWrong, found.Problem));
        var other = await StandAlone(export, "--key", keys[0]);
        Assert.Equal((false, position, problem), (other.GetProperty("ok").GetBoolean(), other.GetProperty("firstWrong").GetInt64(), other.GetProperty("problem").GetString()));
    }

    [Fact]
    public async Task An_export_of_another_history_is_found_by_a_checkpoint_that_was_kept()
    {
        await using var mine = await TamperDrillTests.Signed();
        await using var forged = await TamperDrillTests.Signed();
        using var export = await Export(forged.Value, 0, null);
        var checkpoint = await mine.Value.Send(new SignCheckpoint());
        Assert.Equal("origin", (await AuditModule.VerifyExport(new VerifyExport(export.Path, export.Manifest, [checkpoint.Note], []), default)).Problem);
        var key = (await mine.Value.Send(new Contracts.ReadLogKeys())).Keys[0].Key;
        Assert.Equal("signature", (await AuditModule.VerifyExport(new VerifyExport(export.Path, export.Manifest, [], [key]), default)).Problem);
        Assert.Equal("signature", (await StandAlone(export, "--key", key)).GetProperty("problem").GetString());
    }

    [Fact]
    public async Task That_something_was_taken_away_is_an_entry()
    {
        await using var app = await TamperDrillTests.Signed();
        using var export = await Export(app.Value, 5, 7);
        await app.Value.Settled();
        var row = Assert.Single(await app.Value.Sql("select convert_from(e.canonical, 'UTF8') from audit.search s join audit.entries e using (position) where s.type = 'log.exported.1'"));
        Assert.Contains("\"from\":5,\"to\":7", (string)row[0]!, StringComparison.Ordinal);
    }

    /// <summary>Ed25519 of ours and of OpenSSL, which Node has.</summary>
    [Fact]
    public async Task Signatures_of_ours_are_those_of_another_implementation()
    {
        var made = await Node("--input-type=module", "-e", """
            import { generateKeyPairSync, randomBytes, sign } from "node:crypto";
            for (let i = 0; i < 200; i++) {
              const { publicKey, privateKey } = generateKeyPairSync("ed25519");
              const message = randomBytes(i);
              console.log([privateKey.export({ format: "der", type: "pkcs8" }).subarray(-32), publicKey.export({ format: "der", type: "spki" }).subarray(-32), message, sign(null, message, privateKey)].map((b) => b.toString("hex")).join(" "));
            }
            """);
        var lines = made.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.Equal(200, lines.Length);
        foreach (var parts in lines.Select(line => line.Split(' ').Select(Convert.FromHexString).ToList()))
        {
            Assert.Equal(parts[1], Ed25519.PublicKey(parts[0]));
            Assert.Equal(parts[3], Ed25519.Sign(parts[0], parts[2]));
            Assert.True(Ed25519.Verify(parts[1], parts[2], parts[3]));
        }
    }

    private static byte[] Bytes(string text) => System.Text.Encoding.UTF8.GetBytes(text);

    private static async Task<Exported> Export(AuditApp app, long from, long? to)
    {
        var part = await app.Send(new Contracts.ExportLog(from, to));
        var path = Path.Combine(Path.GetTempPath(), $"modular-export-{Guid.NewGuid():N}.ndjson");
        using var hash = System.Security.Cryptography.IncrementalHash.CreateHash(System.Security.Cryptography.HashAlgorithmName.SHA256);
        await using (var file = File.Create(path))
        {
            await foreach (var chunk in part.Lines)
            {
                hash.AppendData(chunk.Span);
                await file.WriteAsync(chunk);
            }
        }

        var signed = await app.Send(new Contracts.SignManifest(
            ExportLines.Format, Convert.ToHexStringLower(hash.GetHashAndReset()), new FileInfo(path).Length, part.To - part.From, part.From, part.To));
        await File.WriteAllTextAsync($"{path}.manifest", signed.Note);
        return new Exported(path, signed.Note);
    }

    private static async Task<JsonElement> StandAlone(Exported export, params string[] more)
    {
        var root = new DirectoryInfo(AppContext.BaseDirectory);
        while (!File.Exists(Path.Combine(root.FullName, "Modular.sln")))
            root = root.Parent!;
        return JsonDocument.Parse(await Node([Path.Combine(root.FullName, "tools", "verify-log", "verify-log.mjs"), export.Path, "--json", .. more])).RootElement;
    }

    private static async Task<string> Node(params string[] arguments)
    {
        using var node = Process.Start(new ProcessStartInfo("node", arguments) { RedirectStandardOutput = true })!;
        var output = await node.StandardOutput.ReadToEndAsync();
        await node.WaitForExitAsync();
        return output;
    }

    private sealed record Exported(string Path, string Manifest) : IDisposable
    {
        public void Dispose()
        {
            File.Delete(Path);
            File.Delete($"{Path}.manifest");
        }
    }
}
