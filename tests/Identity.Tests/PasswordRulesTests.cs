namespace Modular.Identity.Tests;

public sealed class PasswordRulesTests
{
    [Theory]
    [InlineData("1234567", "PASSWORD_TOO_SHORT")]
    [InlineData("password", "PASSWORD_COMPROMISED")]
    [InlineData("PassWord123", "PASSWORD_COMPROMISED")]
    [InlineData("qwertyuiop", "PASSWORD_COMPROMISED")]
    [InlineData("ada.lovelace@example.com", "PASSWORD_COMPROMISED")]
    [InlineData("ADA.LOVELACE", "PASSWORD_COMPROMISED")]
    [InlineData("Augusta Ada King", "PASSWORD_COMPROMISED")]
    public void What_guessers_try_first_is_refused(string password, string code) =>
        Assert.Equal(code, PasswordRules.Refuse(password, "ada.lovelace@example.com", "augusta ada king")?.Code);

    [Theory]
    [InlineData("zwölf Äpfel")]
    [InlineData("        ")]
    [InlineData("mupf-mupf")]
    [InlineData("ada.lovelace@example.com!")]
    public void Anything_else_of_8_to_128_characters_may_be_chosen(string password) =>
        Assert.Null(PasswordRules.Refuse(password, "ada.lovelace@example.com", "augusta ada king"));

    [Fact]
    public void The_length_is_counted_as_typed()
    {
        Assert.Null(PasswordRules.Refuse(new string('ä', 128)));
        Assert.Equal(PasswordRules.TooLong, PasswordRules.Refuse(new string('x', 129)));
    }
}
