using System.Text.Json;

namespace Modular.Kernel.Tests;

public sealed class WireJsonTests
{
    [Fact]
    public void Json_looks_as_javascript_writes_it() => Assert.Equal(
        """{"userId":null,"at":"2026-11-20T21:47:57.612Z","zoneless":"2026-11-20T21:47:57.000Z","text":"<é'&+>\"\\"}""",
        JsonSerializer.Serialize(
            new
            {
                UserId = (string?)null,
                At = new DateTimeOffset(2026, 11, 20, 22, 47, 57, 612, TimeSpan.FromHours(1)).AddTicks(9999),
                Zoneless = new DateTime(2026, 11, 20, 21, 47, 57, DateTimeKind.Unspecified),
                Text = "<é'&+>\"\\",
            },
            WireJson.Options));

    [Theory]
    [InlineData("/dash?x=1", "/dash?x=1")]
    [InlineData("https://a.test/%20?x=%C3%A9#é", "https://a.test/%20?x=%C3%A9#%C3%A9")]
    [InlineData("https://a.test/a b\r\nSet-Cookie: x", "https://a.test/a%20b%0D%0ASet-Cookie:%20x")]
    [InlineData("https://a.test/😀", "https://a.test/%F0%9F%98%80")]
    public void A_location_holds_only_what_a_header_may(string url, string location) => Assert.Equal(location, WireJson.Location(url));
}
