namespace Modular.Identity.Tests;

public sealed class PasswordHashTests
{
    private const int Few = 10;

    /// <summary>Made by Node: <c>scryptSync("pässwörd fine Å", salt, 64, { N: 16384, r: 16, p: 1 })</c>, the salt as text.</summary>
    private const string OfBetterAuth = "000102030405060708090a0b0c0d0e0f:1ed8675e3ed33a9a1516d58d259e92636e3cffdef15736f5f45d60744930fd6360fc013eaca990edf470150429dd2c6ab253de43b86af1afa91beea5ecf756f6";

    [Fact]
    public void The_right_password_is_recognised_and_no_other()
    {
        var hash = PasswordHash.Make("correct horse", Few);
        Assert.True(PasswordHash.Verify(hash, "correct horse", Few));
        Assert.False(PasswordHash.Verify(hash, "Correct horse", Few));
        Assert.False(PasswordHash.Verify(hash, "", Few));
    }

    [Fact]
    public void A_hash_says_how_it_was_made_and_is_salted()
    {
        var hash = PasswordHash.Make("correct horse", Few);
        Assert.Matches(@"^\$pbkdf2-sha512\$i=10\$[A-Za-z0-9+/]{22}==\$[A-Za-z0-9+/]{86}==$", hash);
        Assert.NotEqual(hash, PasswordHash.Make("correct horse", Few));
    }

    [Fact]
    public void A_hash_of_an_older_version_still_verifies() => Assert.True(PasswordHash.Verify(
        "$pbkdf2-sha512$i=1$c2FsdHNhbHRzYWx0c2FsdA==$zMa9LL9XW9NEyc9UKHf8bpNyy/Hx4d85LGz19gOLtXQ4NK7qbwImxKJXu7q+fBhdF5majSti2Ju4PSQnO4oyKQ==", "password", Few));

    [Fact]
    public void How_a_password_is_composed_does_not_matter()
    {
        var hash = PasswordHash.Make("\u00c5ngstr\u00f6m \ufb01", Few);
        Assert.True(PasswordHash.Verify(hash, "A\u030angstro\u0308m fi", Few));
    }

    [Fact]
    public void A_hash_made_with_less_work_is_outdated_and_one_made_with_more_is_not()
    {
        Assert.True(PasswordHash.IsOutdated(PasswordHash.Make("x", Few), Few + 1));
        Assert.False(PasswordHash.IsOutdated(PasswordHash.Make("x", Few), Few));
        Assert.False(PasswordHash.IsOutdated(PasswordHash.Make("x", Few), Few - 1));
    }

    [Fact]
    public void A_hash_of_Better_Auth_verifies_and_is_outdated()
    {
        Assert.True(PasswordHash.Verify(OfBetterAuth, "p\u00e4ssw\u00f6rd \ufb01ne A\u030a", Few));
        Assert.False(PasswordHash.Verify(OfBetterAuth, "password", Few));
        Assert.True(PasswordHash.IsOutdated(OfBetterAuth, Few));
    }

    [Theory]
    [InlineData("")]
    [InlineData("password")]
    [InlineData("$argon2id$v=19$m=1$x$y")]
    [InlineData("0001:0203")]
    public void An_unknown_format_is_a_fault_and_no_wrong_password(string stored) =>
        Assert.Throws<FormatException>(() => PasswordHash.Verify(stored, "password", Few));
}
