using System.Security.Cryptography;

namespace Modular.Audit.Tests;

public sealed class SignedNoteTests
{
    private const string Text = "example.com/log\n5\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n";

    private static readonly byte[] Secret = RandomNumberGenerator.GetBytes(32);
    private static readonly NoteKey Key = new("example.com/log", NoteKey.Ed25519Kind, Ed25519.PublicKey(Secret));

    /// <summary>The key and the note of golang.org/x/mod/sumdb/note's documentation.</summary>
    [Fact]
    public void The_published_note_is_right()
    {
        var peter = NoteKey.Read("PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW")!;
        var note = SignedNote.Read(
            "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n\n"
            + "— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n")!;
        Assert.True(note.IsSignedBy([peter]));
        Assert.False((note with { Text = note.Text.Replace("answer", "question", StringComparison.Ordinal) }).IsSignedBy([peter]));
        Assert.Equal("PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW", peter.ToString());
    }

    [Fact]
    public void What_is_written_is_read_as_it_was()
    {
        var note = new SignedNote(Text, [SignedNote.Sign(Text, Key, Secret)]);
        var read = SignedNote.Read(note.ToString())!;
        Assert.Equal(note.ToString(), read.ToString());
        Assert.True(read.IsSignedBy([Key]));
        Assert.Equal(("example.com/log", 5L), (Checkpoint.Read(read.Text)!.Origin, Checkpoint.Read(read.Text)!.Size));
        Assert.Equal(Text, Checkpoint.Read(read.Text)!.Text);
        Assert.Equal(Key, NoteKey.Read(Key.ToString()));
    }

    [Fact]
    public void Signatures_of_strangers_say_nothing_and_a_false_one_of_a_known_key_spoils_all()
    {
        var stranger = RandomNumberGenerator.GetBytes(32);
        var other = new NoteKey("example.com/other", NoteKey.Ed25519Kind, Ed25519.PublicKey(stranger));
        var right = SignedNote.Sign(Text, Key, Secret);
        var foreign = SignedNote.Sign(Text, other, stranger);
        Assert.True(new SignedNote(Text, [foreign, right]).IsSignedBy([Key]));
        Assert.False(new SignedNote(Text, [foreign]).IsSignedBy([Key]));
        Assert.False(new SignedNote(Text, [right, foreign with { Name = Key.Name, KeyId = Key.Id }]).IsSignedBy([Key]));
    }

    [Fact]
    public void A_cosignature_is_over_the_time_too()
    {
        var witness = new NoteKey("witness.example/w", NoteKey.CosignatureKind, Ed25519.PublicKey(Secret));
        var seen = DateTimeOffset.FromUnixTimeSeconds(1_700_000_000);
        byte[] time = [0, 0, 0, 0, .. BitConverter.GetBytes(1_700_000_000).Reverse()];
        var signature = new NoteSignature(witness.Name, witness.Id, [.. time, .. Ed25519.Sign(Secret, SignedNote.CosignedText(Text, seen))]);
        var note = new SignedNote(Text, [signature]);
        Assert.True(note.IsSignedBy([witness]));
        signature.Signature[7]++;
        Assert.False(note.IsSignedBy([witness]));
        Assert.False(note.IsSignedBy([Key]));
    }

    [Theory]
    [InlineData("no signature\n")]
    [InlineData("x\n\n")]
    [InlineData("x\n\n\n")]
    [InlineData("\n\n")]
    [InlineData("text\n\n— name\n")]
    [InlineData("text\n\n- name AAAAAAA=\n")]
    [InlineData("text\n\n— na+me AAAAAAA=\n")]
    [InlineData("text\n\n— name AAAA\n")]
    [InlineData("text\r\n\n— name AAAAAAA=\n")]
    [InlineData("text\n\n— name AAAAAAA=")]
    public void What_is_no_note_is_not_read(string note) => Assert.Null(SignedNote.Read(note));

    [Fact]
    public void Half_a_character_is_no_text() => Assert.Null(SignedNote.Read("x\ud800\n\n— name AAAAAAA=\n"));

    [Theory]
    [InlineData("\n5\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n")]
    [InlineData("o\n05\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n")]
    [InlineData("o\n-5\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n")]
    [InlineData("o\n5\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2==\n")]
    [InlineData("o\n5\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=")]
    public void What_is_no_checkpoint_is_not_read(string text) => Assert.Null(Checkpoint.Read(text));

    [Theory]
    [InlineData("name+00000000+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW")]
    [InlineData("PeterNeumann+c74f20a3+AhpC2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW")]
    [InlineData("PeterNeumann+c74f20a3")]
    public void What_is_no_key_is_not_read(string key) => Assert.Null(NoteKey.Read(key));
}
