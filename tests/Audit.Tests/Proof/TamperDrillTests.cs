using Microsoft.Extensions.DependencyInjection;
using Modular.Audit.Contracts;

namespace Modular.Audit.Tests;

/// <summary>
/// What somebody can do who is superuser of the database and switches every trigger off; each is found, with its position.
/// 600 entries: two full tiles and a piece; signed at 100, 350 and 600.
/// </summary>
public sealed class TamperDrillTests
{
    private const string Flipped = "set_byte(canonical, 100, 33)";
    private const string FlippedLeaf = $"sha256('\\x00'::bytea || {Flipped})";

    /// <summary>Changes an entry, its leaf hash and the event it is a copy of, so that the three agree.</summary>
    private const string EntryAndEvent = $"""
        update audit.entries set canonical = {Flipped}, leaf = {FlippedLeaf} where position = $P;
        update alpha.mt_events v set canonical = e.canonical from audit.entries e where e.position = $P and (v.epoch, v.xact, v.seq_id) = (e.epoch, e.xact, e.sequence);
        """;

    /// <summary>Deletes an entry and its event, and closes the gap.</summary>
    private const string DeleteBoth = """
        delete from alpha.mt_events v using audit.entries e where e.position = $P and (v.epoch, v.xact, v.seq_id) = (e.epoch, e.xact, e.sequence);
        delete from audit.entries where position = $P;
        """;

    private const string CutOff = """
        delete from alpha.mt_events v using audit.entries e where e.position >= $P and (v.epoch, v.xact, v.seq_id) = (e.epoch, e.xact, e.sequence);
        delete from audit.search where position >= $P;
        delete from audit.entries where position >= $P;
        update audit.mt_event_progression p set epoch = e.epoch, xact = e.xact, module = e.module, seq_id = e.sequence
            from audit.entries e where p.name = 'audit-log' and e.position = $P - 1;
        """;

    [Theory]
    [InlineData("a byte of an entry", "update audit.entries set canonical = set_byte(canonical, 100, 33) where position = 300", 300, "leaf_hash", null)]
    [InlineData("and its leaf hash", $"update audit.entries set canonical = {Flipped}, leaf = {FlippedLeaf} where position = 300", 300, "tile", null)]
    [InlineData("and its event", EntryAndEvent, 300, "tile", null)]
    [InlineData("behind the last full tile", EntryAndEvent, 550, "checkpoint", 600L)]
    [InlineData("a hash of a tile", "update audit.tiles set hashes = set_byte(hashes, 32 * 44 + 3, 255 - get_byte(hashes, 32 * 44 + 3)) where level = 0 and number = 1", 300, "tile", null)]
    [InlineData("the root of a tile", "update audit.tiles set root = set_byte(root, 3, 255 - get_byte(root, 3)) where level = 0 and number = 1", 256, "tile", null)]
    [InlineData("a tile that is gone", "delete from audit.tiles where level = 0 and number = 1", 256, "tile_missing", null)]
    [InlineData("an entry that is gone", DeleteBoth, 300, "entry_missing", null)]
    [InlineData("and the gap closed", DeleteBoth + "update audit.entries set position = position + 1000 where position > $P; update audit.entries set position = position - 1001 where position > 1000", 300, "tile", null)]
    [InlineData("an entry put in", "update audit.entries set position = position + 1000 where position >= $P; update audit.entries set position = position - 999 where position >= 1000; insert into audit.entries select $P, event_id, epoch, xact, module, sequence, canonical, leaf from audit.entries where position = 4", 300, "tile", null)]
    [InlineData("two changed places", "update audit.entries set position = 5000 where position = $P; update audit.entries set position = $P where position = $P + 1; update audit.entries set position = $P + 1 where position = 5000", 300, "tile", null)]
    [InlineData("two changed places behind the last full tile", "update audit.entries set position = 5000 where position = $P; update audit.entries set position = $P where position = $P + 1; update audit.entries set position = $P + 1 where position = 5000", 590, "event_missing_from_log", null)]
    [InlineData("the tail cut off", CutOff, 580, "entry_missing", 600L)]
    [InlineData("the tail cut off before a full tile", CutOff, 200, "entry_missing", null)]
    [InlineData("a checkpoint", "update audit.checkpoints set root = set_byte(root, 1, 255 - get_byte(root, 1)) where size = 350", 350, "checkpoint", 350L)]
    [InlineData("the signature of a checkpoint", "update audit.checkpoints set note = left(note, -20) || case when substr(right(note, 20), 1, 1) = 'A' then 'B' else 'A' end || right(note, 19) where size = 350", 100, "checkpoint_signature", 350L)]
    public async Task What_a_superuser_does_is_found_with_its_position(string what, string sql, long position, string problem, long? before)
    {
        _ = what;
        await using var app = await Signed();
        await Tamper(app.Value, sql, position);
        var found = await app.Value.Send(new Contracts.VerifyLog());
        if (problem is "checkpoint" && sql == EntryAndEvent)
            // Nothing tells which of the entries behind the last checkpoint that fits it was.
            Assert.Equal((350, problem, before), (found.FirstWrong, found.Problem, found.WrongBefore));
        else if (problem is "checkpoint_signature" or "checkpoint")
            Assert.Equal((problem, before), (found.Problem, found.WrongBefore));
        else
            Assert.Equal((position, problem), (found.FirstWrong, found.Problem));
        Assert.Equal(found.FirstWrong, found.Entries);
    }

    [Fact]
    public async Task A_change_that_is_made_in_the_tiles_too_is_found_between_two_checkpoints()
    {
        await using var app = await Signed();
        await Tamper(app.Value, EntryAndEvent, 300);
        await RemakeTiles(app.Value);
        var found = await app.Value.Send(new Contracts.VerifyLog());
        Assert.Equal((100, 350L, "checkpoint"), (found.FirstWrong, found.WrongBefore, found.Problem));
    }

    [Fact]
    public async Task A_tail_that_is_cut_off_with_its_checkpoints_is_found_by_one_that_was_kept()
    {
        await using var app = await Signed();
        var kept = await app.Value.Send(new SignCheckpoint());
        await Tamper(app.Value, CutOff + "delete from audit.checkpoints where size > $P;", 580);
        Assert.Null((await app.Value.Send(new Contracts.VerifyLog())).FirstWrong);
        var found = await app.Value.Send(new Contracts.VerifyLog(Checkpoints: [kept.Note]));
        Assert.Equal((580, "entry_missing", 600L), (found.FirstWrong, found.Problem, found.WrongBefore));
    }

    /// <summary>The worst: somebody who also has the log's key writes another history from position 400 on and signs it.</summary>
    [Fact]
    public async Task A_log_that_is_forked_and_signed_anew_is_found_by_checkpoints_that_were_kept()
    {
        await using var app = await Signed();
        var kept = (await app.Value.Sql("select note from audit.checkpoints where size in (100, 350, 600) order by size")).Select(row => (string)row[0]!).ToList();
        var keys = (await app.Value.Send(new Contracts.ReadLogKeys())).Keys.Select(key => key.Key).ToList();
        await Tamper(app.Value, CutOff + "delete from audit.checkpoints where size > $P; delete from audit.tiles where number > 0 or level > 0;", 400);
        await app.Value.Restart();
        await app.Value.AppendMany(250, perUnit: 50);
        await app.Value.Settled();
        await app.Value.Send(new SignCheckpoint());

        var blind = await app.Value.Send(new Contracts.VerifyLog());
        Assert.Equal((650, null), (blind.Entries, blind.FirstWrong));
        var found = await app.Value.Send(new Contracts.VerifyLog(Checkpoints: kept, Keys: keys));
        Assert.Equal((350, "fork", 600L), (found.FirstWrong, found.Problem, found.WrongBefore));
        // Who kept only one of them knows that much less.
        var less = await app.Value.Send(new Contracts.VerifyLog(Checkpoints: [kept[2]]));
        Assert.Equal((0, "fork", 600L), (less.FirstWrong, less.Problem, less.WrongBefore));
    }

    [Fact]
    public async Task With_another_key_a_forger_signs_nothing_that_is_trusted()
    {
        await using var app = await Signed();
        var (mine, theirs) = (await app.Value.Send(new SignCheckpoint()), await Signed());
        await using var _ = theirs;
        var foreign = await theirs.Value.Send(new Contracts.ReadLogKeys());
        var found = await app.Value.Send(new Contracts.VerifyLog(Checkpoints: [mine.Note], Keys: [foreign.Keys[0].Key]));
        Assert.Equal("checkpoint_signature", found.Problem);
        var other = await theirs.Value.Send(new SignCheckpoint());
        Assert.Equal("origin", (await app.Value.Send(new Contracts.VerifyLog(Checkpoints: [other.Note]))).Problem);
    }

    private const string Moved = """
        insert into audit.boundaries (position, epoch, xact, module, sequence, edge, root, newest, dropped_at)
        select $P, epoch, xact, module, sequence, $E, '\x00', now(), now() from audit.entries where position = 511;
        """;

    private const string RightEdge = "(select array[sha256('\\x01'::bytea || a.root || b.root)] from audit.tiles a, audit.tiles b where (a.level, a.number, b.level, b.number) = (0, 0, 0, 1))";
    private const string DeleteBefore = "delete from audit.entries where position < 512;";
    private const string SmallPartitions = "create or replace function audit.partition_bits() returns integer language sql immutable as 'select 8';";

    /// <summary>Whoever could move the log's beginning would hide what was changed before it.</summary>
    [Theory]
    [InlineData("one row", 512, RightEdge, "", 0)]
    [InlineData("one row with no edge", 512, "'{}'", "", 0)]
    [InlineData("behind the end", 1 << 20, "'{}'", "", 0)]
    [InlineData("and the entries before it deleted", 512, RightEdge, DeleteBefore, 512)]
    [InlineData("where a partition ends", 512, RightEdge, DeleteBefore + SmallPartitions, 512)]
    [InlineData("with no edge", 512, "'{}'", DeleteBefore + SmallPartitions, 512)]
    public async Task A_beginning_that_is_moved_hides_nothing(string what, long position, string edge, string more, long wrong)
    {
        _ = what;
        await using var app = await Signed();
        await Tamper(app.Value, EntryAndEvent, 300);
        Assert.Equal((300, "tile"), await Found(app.Value));
        await Tamper(app.Value, Moved.Replace("$E", edge, StringComparison.Ordinal) + more, position);
        Assert.Equal((wrong, "boundary"), await Found(app.Value));
    }

    [Fact]
    public async Task A_key_that_no_entry_introduces_vouches_for_nothing()
    {
        await using var app = await Signed();
        var secret = System.Security.Cryptography.RandomNumberGenerator.GetBytes(Ed25519.KeyBytes);
        var note = SignedNote.Read((await app.Value.Send(new SignCheckpoint())).Note)!;
        var theirs = new NoteKey(note.Signatures[0].Name, NoteKey.Ed25519Kind, Ed25519.PublicKey(secret));
        await app.Value.Sql("insert into audit.log_keys (number, public, made) values (2, $1, now())", theirs.Public);
        Assert.Equal((null, null), await Found(app.Value));
        await Tamper(app.Value, "select 1", 0);
        await app.Value.Sql("update audit.checkpoints set note = $1 where size = 600", (note with { Signatures = [SignedNote.Sign(note.Text, theirs, secret)] }).ToString());
        var found = await app.Value.Send(new Contracts.VerifyLog());
        Assert.Equal((350, 600L, "checkpoint_signature", false), (found.FirstWrong, found.WrongBefore, found.Problem, found.KeysGiven));
    }

    [Fact]
    public async Task A_key_that_was_retired_at_once_vouches_for_nothing_behind_that()
    {
        await using var app = await Signed();
        var (keys, seal) = (Get<LogKeys>(app.Value), Get<LogKeySeal>(app.Value));
        var stolen = (await keys.Identity(default)).Keys[0];
        await app.Value.Send(new Contracts.RotateLogKey(AtOnce: true));
        await app.Value.Settled();
        await app.Value.AppendMany(5);
        await app.Value.Settled();
        Assert.Null((await app.Value.Send(new Contracts.VerifyLog())).Problem);
        foreach (var (size, problem) in new[] { (600L, (string?)null), (603L, "checkpoint_signature") })
        {
            var text = new Checkpoint(stolen.Verifier.Name, size, (await Get<LogTree>(app.Value).Root(size, default))!).Text;
            var forged = new SignedNote(text, [seal.Sign(stolen, text)]).ToString();
            Assert.Equal(problem, (await app.Value.Send(new Contracts.VerifyLog(Checkpoints: [forged]))).Problem);
            var given = await app.Value.Send(new Contracts.VerifyLog(Checkpoints: [forged], Keys: [.. (await keys.Identity(default)).Verifiers.Select(key => key.ToString())]));
            Assert.Equal((problem, true), (given.Problem, given.KeysGiven));
        }
    }

    [Fact]
    public async Task A_checkpoint_that_nobody_signed_is_wrong_and_stops_nothing()
    {
        await using var app = await Signed();
        await Tamper(app.Value, "update audit.checkpoints set note = E'x\\n\\n' where size = 600", 0);
        Assert.Equal((600, "checkpoint"), await Found(app.Value));
        await Assert.ThrowsAsync<LogContradictsItselfException>(() => app.Value.Send(new SignCheckpoint()));
    }

    [Fact]
    public async Task Without_a_key_that_signs_nothing_is_stored()
    {
        await using var app = await Signed();
        await app.Value.Sql("delete from audit.log_secrets");
        await app.Value.AppendMany(1);
        await app.Value.Settled();
        await Assert.ThrowsAsync<System.Security.Cryptography.CryptographicException>(() => app.Value.Send(new SignCheckpoint()));
        Assert.Equal(600, await app.Value.Count("select max(size) from audit.checkpoints"));
    }

    [Fact]
    public async Task A_log_that_grows_while_it_is_checked_is_right()
    {
        await using var app = await Signed();
        var end = await Get<LogRows>(app.Value).End(default);
        var traffic = app.Value.AppendMany(4_000, perUnit: 16);
        while (!traffic.IsCompleted)
            Assert.Equal((null, null), await Found(app.Value));
        await traffic;
        await app.Value.Settled();
        // A tile that was filled after the end was read says nothing about a log of that length.
        Assert.Null((await Get<LogScan>(app.Value).Run(0, end, [], _ => { }, default)).Wrong);
    }

    [Theory]
    [InlineData(EntryAndEvent, 550)]
    [InlineData(CutOff, 580)]
    public async Task Nothing_is_signed_for_a_log_that_is_not_what_was_signed(string sql, long position)
    {
        await using var app = await Signed();
        await Tamper(app.Value, sql, position);
        await Assert.ThrowsAsync<LogContradictsItselfException>(() => app.Value.Send(new SignCheckpoint()));
        Assert.Equal(600, await app.Value.Count("select max(size) from audit.checkpoints"));
    }

    [Theory]
    [InlineData("tiles")]
    [InlineData("checkpoints")]
    [InlineData("log")]
    [InlineData("log_keys")]
    [InlineData("boundaries")]
    [InlineData("cosignatures")]
    public async Task The_tables_of_the_proof_only_grow(string table)
    {
        await using var app = await Signed();
        foreach (var act in (string[])[$"delete from audit.{table}", $"truncate audit.{table}", $"set session_replication_role = replica; delete from audit.{table}"])
            Assert.Equal("23001", (await Assert.ThrowsAsync<Npgsql.PostgresException>(() => app.Value.Sql(act))).SqlState);
    }

    private static async Task<(long? FirstWrong, string? Problem)> Found(AuditApp app) =>
        await app.Send(new Contracts.VerifyLog()) is var found ? (found.FirstWrong, found.Problem) : default;

    private static T Get<T>(AuditApp app)
        where T : notnull => app.Services.GetRequiredService<T>();

    /// <summary>A server with 600 entries, signed at 100, 350 and 600 (and once before the first).</summary>
    internal static async Task<Disposable<AuditApp>> Signed()
    {
        var app = new AuditApp(new Dictionary<string, string?> { ["Audit:CheckpointInterval"] = "1:00:00" });
        await app.InitializeAsync();
        foreach (var count in (int[])[100, 250, 250])
        {
            await app.AppendMany(count, perUnit: 50);
            await app.Settled();
            await app.Send(new SignCheckpoint());
        }

        return new Disposable<AuditApp>(app);
    }

    internal static async Task Tamper(AuditApp app, string sql, long position)
    {
        foreach (var table in (string[])["entries", "entries_00000", "tiles", "checkpoints"])
            await app.Sql($"alter table audit.{table} disable trigger all");
        await app.Sql("alter table alpha.mt_events disable trigger all");
        await app.Sql(sql.Replace("$P", FormattableString.Invariant($"{position}"), StringComparison.Ordinal));
    }

    // As TileGrowth makes them, from what the leaves are now.
    private static async Task RemakeTiles(AuditApp app)
    {
        var leaves = (await app.Sql("select leaf from audit.entries order by position")).Select(row => (byte[])row[0]!).ToList();
        foreach (var tile in new TileEdge(0, []).Grow(leaves).Full)
        {
            await app.Sql(
                "update audit.tiles set hashes = $1, root = $2 where level = $3 and number = $4",
                tile.Hashes, tile.Root, (short)tile.Id.Level, tile.Id.Number);
        }
    }
}
