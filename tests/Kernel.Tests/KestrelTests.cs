using System.Net.Sockets;
using System.Text;
using Microsoft.Extensions.DependencyInjection;

namespace Modular.Kernel.Tests;

/// <summary>What only a real server and a raw connection show.</summary>
public sealed class KestrelTests
{
    [Theory]
    [InlineData("POST /api/auth/request-password-reset", "Transfer-Encoding: chunked", "40\r\n{0}\r\n40\r\n{0}\r\n0\r\n\r\n", "413", "Payload too large")]
    [InlineData("POST /api/auth/request-password-reset", "Content-Length: 128", "{0}{0}", "413", "Payload too large")]
    [InlineData("POST /api/auth/request-password-reset", "Content-Length: 2", "{{}}", "200", "status")]
    [InlineData("POST /api/auth/request-password-reset", "Content-Length: 64", "{0}", "400", "Invalid JSON in request body")]
    [InlineData("POST /api/names", "Transfer-Encoding: chunked", "40\r\n{0}\r\n40\r\n{0}\r\n0\r\n\r\n", "413", "body_too_large")]
    [InlineData("POST /api/auth/sign-out", "Content-Length: 0", "", "200", "success")]
    [InlineData("GET /api/auth//ok", "X: y", "", "404", "")]
    [InlineData("GET //api/auth/ok", "X: y", "", "404", "")]
    [InlineData("GET /api/auth/ok/", "X: y", "", "404", "")]
    [InlineData("HEAD /api/auth/ok", "X: y", "", "404", "")]
    [InlineData("GET /api/auth/ok", "X: y", "", "200", "{\"ok\":true}")]
    public async Task Raw_requests_are_answered_as_the_contract_says(string line, string header, string body, string status, string inside)
    {
        await using var app = await App.Start(new() { ["Modular:MaxRequestBodySize"] = "100" }, onKestrel: true);
        var answer = await Exchange(app, $"{line} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: application/json\r\n{header}\r\n\r\n" + string.Format(null, body, new string(' ', 64)));
        Assert.StartsWith($"HTTP/1.1 {status} ", answer, StringComparison.Ordinal);
        Assert.Contains(inside, answer, StringComparison.Ordinal);
        Assert.Empty(app.Log.Lines);
    }

    [Fact]
    public async Task Without_a_base_url_the_listening_address_is_ours()
    {
        await using var app = await App.Start(new() { ["Auth:BaseUrl"] = null }, onKestrel: true);
        var known = app.Services.GetRequiredService<PublicAddress>().Known!;
        Assert.Equal("127.0.0.1", known.Host);
        Assert.True(known.Port > 0);
    }

    private static async Task<string> Exchange(App app, string request)
    {
        using var connection = new TcpClient();
        await connection.ConnectAsync("127.0.0.1", app.Port);
        await connection.GetStream().WriteAsync(Encoding.ASCII.GetBytes(request));
        using var reader = new StreamReader(connection.GetStream());
        return await reader.ReadToEndAsync();
    }
}
