using System.Text;

namespace Modular.Identity.Tests;

public sealed class TotpTests
{
    private static readonly byte[] Secret = Encoding.ASCII.GetBytes("12345678901234567890");

    [Theory]
    [InlineData(59, "94287082")]
    [InlineData(1111111109, "07081804")]
    [InlineData(1111111111, "14050471")]
    [InlineData(1234567890, "89005924")]
    [InlineData(2000000000, "69279037")]
    [InlineData(20000000000, "65353130")]
    public void Codes_are_those_of_the_RFC(long seconds, string code)
    {
        var step = Totp.StepOf(DateTimeOffset.FromUnixTimeSeconds(seconds));
        Assert.Equal(code, Totp.Code(Secret, step, 8));
        Assert.Equal(code[2..], Totp.Code(Secret, step));
    }

    [Fact]
    public void A_code_is_found_one_step_before_and_after_its_own_and_no_further()
    {
        var now = DateTimeOffset.FromUnixTimeSeconds(1111111111);
        var step = Totp.StepOf(now);
        Assert.Equal(
            [null, step - 1, step, step + 1, null],
            new[] { -2, -1, 0, 1, 2 }.Select(away => Totp.Find(Secret, Totp.Code(Secret, step + away), now)));
        Assert.Null(Totp.Find(Secret, "", now));
        Assert.Null(Totp.Find(Secret, Totp.Code(Secret, step) + "0", now));
    }

    [Fact]
    public void Base32_is_that_of_the_RFC_without_padding()
    {
        Assert.Equal(
            ["", "MY", "MZXQ", "MZXW6", "MZXW6YQ", "MZXW6YTB", "MZXW6YTBOI"],
            Enumerable.Range(0, 7).Select(length => Totp.Base32(Encoding.ASCII.GetBytes("foobar"[..length]))));
        Assert.Equal(32, Totp.Base32(Totp.NewSecret()).Length);
    }

    [Fact]
    public void An_app_reads_issuer_and_address_from_the_URI() => Assert.Equal(
        "otpauth://totp/Better%20Auth:tf%40example.com?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=Better+Auth&digits=6&period=30",
        Totp.Uri(Secret, "Better Auth", "tf@example.com"));

    [Fact]
    public void A_code_counts_once_and_one_of_the_next_key_is_looked_at_first()
    {
        var now = DateTimeOffset.FromUnixTimeSeconds(1111111111);
        var (step, other) = (Totp.StepOf(now), Encoding.ASCII.GetBytes("09876543210987654321"));
        string Now(byte[] secret) => Totp.Code(secret, step);
        Assert.Equal(new(step, IsNext: false, WasUsed: false), VerifyTotp.Decide(Secret, null, step - 1, Now(Secret), now));
        Assert.Equal(new(step, IsNext: false, WasUsed: true), VerifyTotp.Decide(Secret, null, step, Now(Secret), now));
        Assert.Equal(new(step, IsNext: false, WasUsed: false), VerifyTotp.Decide(Secret, other, step - 1, Now(Secret), now));
        Assert.Equal(new(step, IsNext: true, WasUsed: false), VerifyTotp.Decide(Secret, other, step, Now(other), now));
        Assert.Null(VerifyTotp.Decide(Secret, null, 0, "nonsense", now).Step);
        Assert.Null(VerifyTotp.Decide(null, null, 0, Now(Secret), now).Step);
    }

    [Fact]
    public void What_was_verified_stays_in_force_until_another_one_is()
    {
        AuthenticatorKey first = new("a", ["1"]), second = new("b", ["2"]), third = new("c", ["3"]);
        var prepared = Authenticator.Prepare(Authenticator.Prepare(null, "ada", first), "ada", second);
        Assert.Equal((second, null, false), (prepared.Current, prepared.Next, prepared.IsVerified));
        var again = Authenticator.Prepare(prepared.Verify(7), "ada", third);
        Assert.Equal((second, third, true, 7), (again.Current, again.Next, again.IsVerified, again.LastStep));
        Assert.Equal((third, null, 8), (again.Verify(8).Current, again.Verify(8).Next, again.Verify(8).LastStep));
    }
}
