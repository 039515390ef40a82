using System.Text;

namespace Modular.Sessions.Tests;

public sealed class SessionTokenTests
{
    [Theory]
    // FIPS 180-2, appendix B: what is stored is SHA-256 of the text, base64url.
    [InlineData("abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")]
    [InlineData("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq", "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1")]
    public void What_is_stored_is_the_hash_of_the_text(string text, string hash)
    {
        var token = new SessionToken(text);

        Assert.Equal(Convert.FromHexString(hash), token.Hash);
        Assert.Equal(Convert.FromHexString(hash), SessionToken.HashOf(token.HashText));
        Assert.Equal(43, token.HashText.Length);
    }

    [Fact]
    public void A_token_is_256_random_bits_in_43_characters_of_base64url()
    {
        var minted = Enumerable.Range(0, 1000).Select(_ => SessionToken.Mint().Text).ToList();

        Assert.All(minted, token => Assert.Matches("^[A-Za-z0-9_-]{43}$", token));
        Assert.Equal(1000, minted.Distinct().Count());
        // Every bit is used: with 1000 tokens each of 64 characters shows up at the first place.
        Assert.Equal(64, minted.Select(token => token[0]).Distinct().Count());
    }

    [Fact]
    public void A_handle_is_neither_a_token_nor_made_of_one()
    {
        var minted = Enumerable.Range(0, 1000).Select(_ => SessionToken.MintHandle()).ToList();

        Assert.All(minted, handle => Assert.Matches("^[A-Za-z0-9_-]{22}$", handle));
        Assert.Equal(1000, minted.Distinct().Count());
    }

    [Fact]
    public void A_token_opens_its_own_session_and_no_other()
    {
        Assert.True(Some.Token.Opens(Some.Session));
        Assert.False(SessionToken.Mint().Opens(Some.Session));
        Assert.False(new SessionToken(Some.Session.Handle).Opens(Some.Session));
        Assert.False(new SessionToken(Some.Session.TokenHash).Opens(Some.Session));
    }

    [Fact]
    public void A_token_does_not_write_itself_into_messages() =>
        Assert.DoesNotContain(Some.Token.Text, new StringBuilder().Append(Some.Token).ToString(), StringComparison.Ordinal);
}
