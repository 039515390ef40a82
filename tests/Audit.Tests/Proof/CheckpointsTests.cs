using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Modular.Audit.Contracts;

namespace Modular.Audit.Tests;

public sealed class CheckpointsTests
{
    [Fact]
    public async Task Tiles_roots_and_proofs_of_the_database_are_those_of_the_leaves()
    {
        await using var app = await Started();
        await app.Value.AppendMany(700, perUnit: 70);
        await app.Value.Settled();
        var leaves = (await app.Value.Sql("select leaf from audit.entries order by position")).Select(row => (byte[])row[0]!).ToList();
        var tree = app.Value.Services.GetRequiredService<LogTree>();
        foreach (var size in (int[])[0, 1, 2, 255, 256, 257, 511, 512, 513, 700])
        {
            Assert.Equal(Root(leaves[..size]), await tree.Root(size, default));
            foreach (var position in (int[])[0, 100, 255, 256, 300, 512, 699])
            {
                if (position >= size)
                    continue;
                var path = await tree.Inclusion(position, size, default);
                Assert.Equal(Root(leaves[..size]), MerkleProof.RootOf(leaves[position], position, size, path!));
            }

            foreach (var from in (int[])[1, 200, 256, 300, 512, 700])
            {
                if (from > size)
                    continue;
                Assert.True(MerkleProof.IsConsistent(from, Root(leaves[..from]), size, Root(leaves[..size]), (await tree.Consistency(from, size, default))!));
            }
        }

        Assert.Null(await tree.Root(701, default));
        Assert.Equal(2, await app.Value.Count("select count(*) from audit.tiles"));
    }

    [Fact]
    public async Task Many_nodes_that_sign_at_once_sign_as_one_log_and_each_size_once()
    {
        await using var app = await Started();
        await using var second = await app.Value.Another() is var node ? new Disposable<AuditApp>(node) : throw new InvalidOperationException();
        await app.Value.AppendMany(300);
        await app.Value.Settled();
        var signed = await Task.WhenAll(Enumerable.Range(0, 50).Select(at => (at % 2 == 0 ? app : second).Value.Send(new SignCheckpoint())));
        Assert.Equal((1, 1), (await app.Value.Count("select count(*) from audit.log_keys"), await app.Value.Count("select count(*) from audit.log")));
        Assert.Single(signed.Select(one => one.Note).Distinct());
        Assert.Null((await app.Value.Send(new Contracts.VerifyLog(Checkpoints: [signed[0].Note]))).Problem);
    }

    [Fact]
    public async Task Tiles_of_entries_from_before_there_were_any_are_made()
    {
        await using var app = await TamperDrillTests.Signed();
        await TamperDrillTests.Tamper(app.Value, "delete from audit.tiles", 0);
        await app.Value.Restart();
        await app.Value.AppendMany(1);
        await app.Value.Settled();
        Assert.Equal(2, await app.Value.Count("select count(*) from audit.tiles"));
        Assert.Null((await app.Value.Send(new Contracts.VerifyLog())).Problem);
    }

    [Fact]
    public async Task A_replaced_key_signs_beside_its_successor_until_the_overlap_is_over()
    {
        await using var app = await Started();
        await app.Value.AppendMany(3);
        await app.Value.Settled();
        await app.Value.Send(new SignCheckpoint());
        var rotated = await app.Value.Send(new Contracts.RotateLogKey());
        await app.Value.Settled();
        var (old, now) = (NoteKey.Read(rotated.Replaces)!, NoteKey.Read(rotated.Key)!);
        var handover = SignedNote.Read((await app.Value.Send(new SignCheckpoint())).Note)!;
        Assert.True(handover.IsSignedBy([old]) && handover.IsSignedBy([now]));
        Assert.Equal(1, await app.Value.Count("select count(*) from audit.search where type = 'log.key_rotated.1'"));

        app.Value.Clock.Advance(TimeSpan.FromDays(31));
        for (var at = 0; at < 2; at++)
        {
            await app.Value.AppendMany(1);
            await app.Value.Settled();
            var later = SignedNote.Read((await app.Value.Send(new SignCheckpoint())).Note)!;
            Assert.True(!later.IsSignedBy([old]) && later.IsSignedBy([now]));
        }

        Assert.Equal(1, await app.Value.Count("select count(*) from audit.log_secrets"));
        Assert.Equal([false, true], (await app.Value.Send(new Contracts.ReadLogKeys())).Keys.Reverse().Select(key => key.CanSign));
        Assert.Null((await app.Value.Send(new Contracts.VerifyLog())).Problem);
    }

    [Fact]
    public async Task A_key_that_may_have_been_stolen_signs_nothing_any_more()
    {
        await using var app = await Started();
        await app.Value.Send(new SignCheckpoint());
        var rotated = await app.Value.Send(new Contracts.RotateLogKey(AtOnce: true));
        await app.Value.Settled();
        var note = SignedNote.Read((await app.Value.Send(new SignCheckpoint())).Note)!;
        Assert.False(note.IsSignedBy([NoteKey.Read(rotated.Replaces)!]));
        Assert.True(note.IsSignedBy([NoteKey.Read(rotated.Key)!]));
    }

    [Fact]
    public async Task A_server_signs_by_itself_and_says_when_it_cannot()
    {
        await using var app = new Disposable<AuditApp>(new AuditApp(new Dictionary<string, string?> { ["Audit:CheckpointInterval"] = "0:00:00.05" }));
        await app.Value.InitializeAsync();
        await app.Value.AppendMany(20);
        await app.Value.Settled();
        while (await app.Value.Count("select coalesce(max(size), 0) from audit.checkpoints") < 20)
            await Task.Delay(20);
        await TamperDrillTests.Tamper(app.Value, "update audit.entries set leaf = sha256(leaf) where position = 3", 0);
        await app.Value.AppendMany(1);
        await app.Value.Settled();
        var health = await app.Value.Scenario(_ => _.Get.Url("/healthz/ready"));
        for (var tries = 0; tries < 200 && !health.Body.Contains("audit-log\":{\"status\":\"degraded", StringComparison.Ordinal); tries++)
        {
            await Task.Delay(20);
            health = await app.Value.Scenario(_ => _.Get.Url("/healthz/ready"));
        }

        // Why is nobody's business who only asks whether it is ready.
        Assert.DoesNotContain("signed", health.Body, StringComparison.Ordinal);
        var known = await app.Value.Services.GetRequiredService<HealthCheckService>().CheckHealthAsync();
        Assert.Contains("are not those that were signed", known.Entries["audit-log"].Description, StringComparison.Ordinal);
        Assert.Equal((200, 20), (health.Status, await app.Value.Count("select max(size) from audit.checkpoints")));
    }

    [Theory]
    [InlineData("update audit.checkpoints set note = E'x\\n\\n' where size = (select max(size) from audit.checkpoints)", "is no checkpoint")]
    [InlineData("delete from audit.log_secrets", "has no key that signs")]
    [InlineData("update audit.log_secrets set sealed = '\\x00'", "")]
    public async Task What_is_spoilt_stops_signing_and_not_the_server(string sql, string told)
    {
        await using var app = new Disposable<AuditApp>(new AuditApp(new Dictionary<string, string?> { ["Audit:CheckpointInterval"] = "0:00:00.05" }));
        await app.Value.InitializeAsync();
        await app.Value.AppendMany(20);
        await app.Value.Settled();
        while (await app.Value.Count("select coalesce(max(size), 0) from audit.checkpoints") < 20)
            await Task.Delay(20);
        await TamperDrillTests.Tamper(app.Value, sql, 0);
        var health = "";
        for (var tries = 0; tries < 100 && !health.Contains("audit-log\":{\"status\":\"degraded", StringComparison.Ordinal); tries++)
        {
            await app.Value.AppendMany(1);
            await app.Value.Settled();
            await Task.Delay(50);
            health = (await app.Value.Scenario(_ => _.Get.Url("/healthz/ready"))).Body;
        }

        Assert.Contains("audit-log\":{\"status\":\"degraded", health, StringComparison.Ordinal);
        var known = await app.Value.Services.GetRequiredService<HealthCheckService>().CheckHealthAsync();
        Assert.Contains(told, known.Entries["audit-log"].Description, StringComparison.Ordinal);
        Assert.False(app.Value.Services.GetRequiredService<Microsoft.Extensions.Hosting.IHostApplicationLifetime>().ApplicationStopping.IsCancellationRequested);
        Assert.Equal(0, await app.Value.Count("select count(*) from audit.checkpoints where size > 0 and note not like '%— %' and note not like 'x%'"));
    }

    [Theory]
    [InlineData("x\n\n")]
    [InlineData("x\n\n\n")]
    [InlineData("\n")]
    [InlineData("\0\u0001\ufffe")]
    [InlineData("o\n5\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n\n")]
    [InlineData("o\n99999999999999999999\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n\n— name AAAAAAA=\n")]
    public async Task What_is_no_note_is_refused_to_a_witness(string note)
    {
        var witness = new NoteKey("witness.example/w", NoteKey.CosignatureKind, Ed25519.PublicKey(new byte[32]));
        await using var app = new Disposable<AuditApp>(new AuditApp(new Dictionary<string, string?> { ["Audit:Witnesses"] = witness.ToString() }));
        await app.Value.InitializeAsync();
        var answer = await app.Value.Scenario(_ =>
        {
            _.WithRequestHeader("X-Test-User", "root admin");
            _.Post.Text(note).ToUrl("/api/audit/log/cosignatures");
            _.StatusCodeShouldBe(400);
        });
        Assert.Equal("not_a_note", answer.Json().GetProperty("code").GetString());
    }

    [Theory]
    [InlineData("000", true)]
    [InlineData("x036/x028/x797/x018/x963/967", true)]
    [InlineData("x036/x028/x797/x018/x963/968", false)]
    [InlineData("x072/x057/x594/x037/x927/936", false)]
    [InlineData("x072/x057/x594/x037/x927/936.p/1", false)]
    [InlineData("x999/x999/x999/x999/x999/x999/999", false)]
    public void A_tile_has_one_name(string path, bool isOne) => Assert.Equal(isOne, TilePath.TryRead(path, out _, out _));

    [Theory]
    [InlineData("/api/audit/log/checkpoint")]
    [InlineData("/api/audit/log/checkpoint/witnessed")]
    [InlineData("/api/audit/log/checkpoints/2")]
    [InlineData("/api/audit/log/tile/0/000.p/1")]
    [InlineData("/api/audit/log/tile/entries/000.p/1")]
    [InlineData("/api/audit/log/proof/inclusion?position=0")]
    [InlineData("/api/audit/log/proof/consistency?from=0")]
    [InlineData("/api/audit/log/keys")]
    [InlineData("/api/audit/export")]
    public async Task Unless_the_log_is_public_it_is_for_administrators(string address)
    {
        await using var app = await Started();
        await app.Value.AppendMany(2);
        await app.Value.Settled();
        await app.Value.Send(new SignCheckpoint());
        await app.Value.Scenario(_ =>
        {
            _.Get.Url(address);
            _.StatusCodeShouldBe(401);
        });
        await app.Value.Scenario(_ =>
        {
            _.WithRequestHeader("X-Test-User", "bob user");
            _.Get.Url(address);
            _.StatusCodeShouldBe(403);
        });
        await app.Value.Scenario(_ =>
        {
            _.WithRequestHeader("X-Test-User", "root admin");
            _.Get.Url(address);
            _.StatusCodeShouldBe(address.EndsWith("witnessed", StringComparison.Ordinal) ? 404 : 200);
        });
    }

    private static byte[] Root(IEnumerable<byte[]> leaves)
    {
        var tree = new MerkleTree();
        foreach (var leaf in leaves)
            tree.Append(leaf);
        return tree.Root();
    }

    private static async Task<Disposable<AuditApp>> Started()
    {
        var app = new AuditApp(new Dictionary<string, string?> { ["Audit:CheckpointInterval"] = "1:00:00" });
        await app.InitializeAsync();
        return new Disposable<AuditApp>(app);
    }
}
