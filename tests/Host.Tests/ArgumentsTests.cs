using Modular.Host.CommandLine;

namespace Modular.Host.Tests;

public sealed class ArgumentsTests
{
    [Theory]
    [InlineData]
    [InlineData("serve")]
    [InlineData("serve", "--urls", "http://localhost:1")]
    [InlineData("--urls", "http://localhost:1")]
    [InlineData("--environment=Development", "--contentRoot=/srv", "--applicationName=Modular.Host")]
    [InlineData("--Auth:BaseUrl=https://example.com")]
    [InlineData("--anything=goes")]
    public void Without_a_verb_the_server_runs(params string[] args) => Assert.True(Arguments.Sort(args).IsServe);

    [Theory]
    [InlineData("--help")]
    [InlineData("serve", "--help")]
    [InlineData("--version")]
    [InlineData("db", "status")]
    [InlineData("--DATABASE_URL", "postgres://a", "db", "status")]
    [InlineData("sevre")]
    public void A_verb_or_a_question_does_not_start_the_server(params string[] args) => Assert.False(Arguments.Sort(args).IsServe);

    [Fact]
    public void Settings_are_taken_out_wherever_they_stand()
    {
        var sorted = Arguments.Sort(["--DATABASE_URL", "postgres://a", "db", "--Auth:Secret=x", "status", "--json", "--environment", "Production"]);
        Assert.Equal(["--DATABASE_URL", "postgres://a", "--Auth:Secret=x", "--environment", "Production"], sorted.Settings);
        Assert.Equal(["db", "status", "--json"], sorted.Words);
    }

    [Fact]
    public void The_server_gets_every_argument_but_its_verb() =>
        Assert.Equal(["--a", "b", "--c=d"], Arguments.WithoutVerb(["--a", "b", "serve", "--c=d"]));
}
