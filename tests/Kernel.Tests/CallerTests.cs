using System.Net;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Configuration;

namespace Modular.Kernel.Tests;

public sealed class CallerTests
{
    [Theory]
    // Nobody is trusted: the header is air.
    [InlineData("9.9.9.9", "1.1.1.1", "", false, "9.9.9.9")]
    [InlineData("9.9.9.9", null, "", false, "9.9.9.9")]
    // Believed from anybody, but only one address.
    [InlineData("9.9.9.9", "1.1.1.1", "", true, "1.1.1.1")]
    [InlineData("9.9.9.9", "1.1.1.1, 2.2.2.2", "", true, "9.9.9.9")]
    [InlineData("9.9.9.9", "nonsense", "", true, "9.9.9.9")]
    // Trusted proxies: from the right, as far as trust goes.
    [InlineData("10.0.0.1", "1.1.1.1", "10.0.0.0/8", false, "1.1.1.1")]
    [InlineData("10.0.0.1", "6.6.6.6, 1.1.1.1, 10.0.0.2", "10.0.0.0/8", false, "1.1.1.1")]
    [InlineData("10.0.0.1", "6.6.6.6, 1.1.1.1:4711", "10.0.0.0/8", false, "1.1.1.1")]
    [InlineData("10.0.0.1", "1.1.1.1, nonsense", "10.0.0.0/8", false, "10.0.0.1")]
    [InlineData("10.0.0.1", "10.0.0.3, 10.0.0.2", "10.0.0.0/8", false, "10.0.0.3")]
    [InlineData("9.9.9.9", "1.1.1.1", "10.0.0.0/8", false, "9.9.9.9")]
    [InlineData("9.9.9.9", "1.1.1.1", "10.0.0.0/8", true, "9.9.9.9")]
    [InlineData("::ffff:10.0.0.1", "[2001:db8:1:2:3:4:5:6]:443", "10.0.0.1", false, "2001:db8:1:2:3:4:5:6")]
    public void The_client_is_who_a_trusted_proxy_says(string remote, string? forwarded, string proxies, bool forwardedFor, string client)
    {
        var options = new AuthOptions();
        options.Read(new ConfigurationBuilder().AddInMemoryCollection(new Dictionary<string, string?>
        {
            ["Auth:TrustedProxies"] = proxies,
            ["Modular:ForwardedFor"] = forwardedFor.ToString(),
        }).Build());
        Assert.Equal(IPAddress.Parse(client), CallerExtensions.ClientAddress(IPAddress.Parse(remote), forwarded, options));
    }

    [Theory]
    [InlineData(null, null)]
    [InlineData("1.2.3.4", "1.2.3.4")]
    [InlineData("::ffff:1.2.3.4", "1.2.3.4")]
    [InlineData("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::")]
    [InlineData("::1", "::1")]
    public void An_address_is_shown_plain_and_ipv6_as_its_network(string? address, string? shown) =>
        Assert.Equal(shown, CallerExtensions.Display(address is null ? null : IPAddress.Parse(address)));

    [Fact]
    public async Task The_caller_is_known_to_every_endpoint()
    {
        await using var app = await App.Start(routes: app => app.MapAuthGet("/caller", (Caller caller, HttpContext context) =>
            WireJson.Ok(new { caller.UserId, caller.Roles, caller.IpAddress, Length = caller.UserAgent?.Length, Known = caller.RequestId.Length > 0 })));
        Assert.Equal(
            "200\ncontent-type: application/json\n" + """{"userId":null,"roles":[],"ipAddress":null,"length":512,"known":true}""",
            await app.Send("GET", "/api/auth/caller", null, null, ("User-Agent", new string('x', 600))));
        Assert.Equal(
            "200\ncontent-type: application/json\n" + """{"userId":null,"roles":[],"ipAddress":null,"length":null,"known":true}""",
            await app.Send("GET", "/api/auth/caller"));
    }
}
