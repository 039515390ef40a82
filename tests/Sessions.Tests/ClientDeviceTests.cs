namespace Modular.Sessions.Tests;

public sealed class ClientDeviceTests
{
    private const string Firefox = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0";
    private const string Chrome = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 Safari/537.36";

    [Theory]
    [InlineData(Firefox, "Firefox on Linux")]
    [InlineData(Chrome, "Chrome on Windows")]
    [InlineData(Chrome + " Edg/141.0.0.0", "Edge on Windows")]
    [InlineData("Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 Version/18.0 Mobile/15E148 Safari/604.1", "Safari on iPhone")]
    [InlineData("Mozilla/5.0 (Linux; Android 15) AppleWebKit/537.36 Chrome/141.0.0.0 Mobile Safari/537.36", "Chrome on Android")]
    [InlineData("Click http://evil.test Windows", "an unknown program on Windows")]
    [InlineData("curl/8.0", "an unknown program")]
    [InlineData(null, "an unknown program")]
    public void A_device_is_named_in_our_own_words(string? userAgent, string name) => Assert.Equal(name, ClientDevice.NameOf(userAgent));

    [Fact]
    public void An_updated_browser_in_the_same_network_is_the_same_device()
    {
        var key = ClientDevice.KeyOf("ada", Firefox, "203.0.113.9");
        Assert.Equal(key, ClientDevice.KeyOf("ada", Firefox.Replace("140.0", "141.0", StringComparison.Ordinal), "203.0.7.1"));
        Assert.Equal(ClientDevice.KeyOf("ada", Firefox, "2001:db8:1::"), ClientDevice.KeyOf("ada", Firefox, "2001:db8:2::"));
        string[] others = [ClientDevice.KeyOf("eve", Firefox, "203.0.113.9"), ClientDevice.KeyOf("ada", Chrome, "203.0.113.9"), ClientDevice.KeyOf("ada", Firefox, "198.51.100.1")];
        Assert.DoesNotContain(key, others);
    }
}
