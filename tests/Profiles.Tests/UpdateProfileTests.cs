namespace Modular.Profiles.Tests;

public sealed class UpdateProfileTests
{
    private static readonly DateTimeOffset Noon = new(2026, 1, 1, 12, 0, 0, TimeSpan.Zero);

    private static readonly UpdateProfile.Command Valid =
        new("ada", "Ada", "Mathematician", "Notes on the engine.", ["en", "fr-CH"], "Europe/London", "members", []);

    [Fact]
    public void An_update_says_the_whole_profile()
    {
        var updated = UpdateProfile.Decide(Profile.Unopened("ada"), Valid, Noon)!;
        Assert.Equal(
            ("ada", "Ada", "Mathematician", "Notes on the engine.", "Europe/London", Visibility.Members, Noon),
            (updated.UserId, updated.DisplayName, updated.Headline, updated.Biography, updated.TimeZone, updated.Visibility, updated.At));
        Assert.Equal(["en", "fr-CH"], updated.Languages!);
    }

    [Fact]
    public void What_is_so_already_is_no_change() => Assert.Null(UpdateProfile.Decide(
        new Profile("ada", 2, Valid.DisplayName, Valid.Headline, Valid.Biography, ["en", "fr-CH"], Valid.TimeZone, Visibility.Members, Noon), Valid, Noon));

    [Fact]
    public void A_sound_profile_is_valid_and_so_is_an_empty_one()
    {
        Assert.True(IsValid(Valid));
        Assert.True(IsValid(new UpdateProfile.Command("ada", null, null, null, [], null, "private", [])));
    }

    [Theory]
    [InlineData("en", true)]
    [InlineData("pt-BR", true)]
    [InlineData("zh-Hant-TW", true)]
    [InlineData("de-CH-1996", true)]
    [InlineData("es-419", true)]
    [InlineData("en-u-ca-gregory", true)]
    [InlineData("e", false)]
    [InlineData("en_US", false)]
    [InlineData("en-", false)]
    [InlineData("english language", false)]
    [InlineData("", false)]
    [InlineData(null, false)]
    public void Languages_are_BCP_47_tags(string? tag, bool valid) => Assert.Equal(valid, IsValid(Valid with { Languages = [tag] }));

    [Theory]
    [InlineData("Europe/Berlin", true)]
    [InlineData("America/Argentina/Buenos_Aires", true)]
    [InlineData("UTC", true)]
    [InlineData("Etc/GMT+5", true)]
    [InlineData("Pacific Standard Time", false)]
    [InlineData("Europe/Atlantis", false)]
    [InlineData("../../etc/passwd", false)]
    [InlineData("+02:00", false)]
    [InlineData("", false)]
    public void A_time_zone_is_one_of_the_IANA_database(string zone, bool valid) => Assert.Equal(valid, IsValid(Valid with { TimeZone = zone }));

    [Fact]
    public void Texts_have_limits()
    {
        Assert.False(IsValid(Valid with { DisplayName = new string('x', 101) }));
        Assert.False(IsValid(Valid with { Headline = new string('x', 201) }));
        Assert.False(IsValid(Valid with { Biography = new string('x', 4001) }));
        Assert.False(IsValid(Valid with { Biography = "NUL \0" }));
        Assert.False(IsValid(Valid with { Languages = ["en", "EN"] }));
        Assert.False(IsValid(Valid with { Languages = [.. Enumerable.Range(0, 21).Select(i => $"en-x-{i}")] }));
        Assert.False(IsValid(Valid with { Visibility = "everybody" }));
    }

    private static bool IsValid(UpdateProfile.Command command) => new UpdateProfile.Validator().Validate(command).IsValid;
}
