using System.Text;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;
using Microsoft.Extensions.Primitives;

namespace Modular.Kernel.Tests;

public sealed class SignedCookieTests
{
    private static readonly byte[] Secret = Encoding.UTF8.GetBytes(App.Secret);

    // Made with node: encodeURIComponent(v + '.' + createHmac('sha256', secret).update(v).digest('base64')).
    public static TheoryData<string, string> Vectors => new()
    {
        { "k3yW9x2QmTzR7uVbN4cLpA8sDfGhJq01", "k3yW9x2QmTzR7uVbN4cLpA8sDfGhJq01.ZDrJxzkOWiXxchjhTe7VjqQ1sLvXtkGTbsZddNcVRwo%3D" },
        { "true", "true.7b%2F8DeYYFK2DoQBxth0H2UuxjgHJN9rOGpE1Y98thxo%3D" },
        { "mac!trust-device-(1)*'x", "mac!trust-device-(1)*'x.ZT8hr7LeKHtF%2BhiCY9yrXA6Ye5k526XMEmZwWHzB%2Bmk%3D" },
        { "a.b.c", "a.b.c.gMk3ePYpMFWYUDFYhPO9Et9lZBQaNjb6%2BOgE0JSQ%2FjI%3D" },
        { "é€😀", "%C3%A9%E2%82%AC%F0%9F%98%80.VB%2FloRDpACOlrjEsU2U223%2F9CvxdwrIOHbTpFvnU4R4%3D" },
    };

    [Theory, MemberData(nameof(Vectors))]
    public void A_value_is_signed_as_javascript_does(string value, string wire) => Assert.Equal(wire, SignedCookies.Sign(value, Secret));

    [Theory, MemberData(nameof(Vectors))]
    public void A_signed_value_is_read_back(string value, string wire)
    {
        Assert.Equal(value, SignedCookies.Verify(wire, Secret));
        Assert.Equal(value, SignedCookies.Verify(Uri.UnescapeDataString(wire), Secret));
        Assert.Null(SignedCookies.Verify(wire, "another secret"u8));
    }

    [Theory]
    [InlineData("")]
    [InlineData(".")]
    [InlineData("true")]
    [InlineData("abc.def")]
    [InlineData("true.7b%2F8DeYYFK2DoQBxth0H2UuxjgHJN9rOGpE1Y98thxo")]
    [InlineData("true.7b%2F8DeYYFK2DoQBxth0H2UuxjgHJN9rOGpE1Y98thxp%3D")]
    [InlineData("true.8b%2F8DeYYFK2DoQBxth0H2UuxjgHJN9rOGpE1Y98thxo%3D")]
    [InlineData("True.7b%2F8DeYYFK2DoQBxth0H2UuxjgHJN9rOGpE1Y98thxo%3D")]
    [InlineData("true.7b%2F8DeYYFK2DoQBxth0H2UuxjgHJN9rOGpE1Y98thxo%3D%20")]
    [InlineData("true.7b%2F8DeYYFK2DoQBxth0H2UuxjgHJN9rOGpE1Y98thx%E2%82%AC%3D")]
    [InlineData("%zz.%")]
    public void A_forged_or_malformed_value_is_absent(string raw) => Assert.Null(SignedCookies.Verify(raw, Secret));

    [Theory]
    [InlineData("a=1", "1")]
    [InlineData("b=2; a=1; a=3", "1")]
    [InlineData("a=\"1\"", "1")]
    [InlineData("a=\"", "\"")]
    [InlineData(" a = 1 ;b=2", "1")]
    [InlineData("a=x=y", "x=y")]
    [InlineData("a=", "")]
    [InlineData("junk; ;; a=1", "1")]
    [InlineData("a=%3D", "%3D")]
    [InlineData("A=1", null)]
    [InlineData("aa=1; xa=2", null)]
    [InlineData("a", null)]
    [InlineData("", null)]
    public void A_cookie_is_found_in_the_raw_header(string header, string? value) => Assert.Equal(value, SignedCookies.Find(header, "a"));

    [Fact]
    public void A_cookie_is_found_in_any_of_several_headers() =>
        Assert.Equal("1", SignedCookies.Find(new StringValues(["b=2", "a=1", "a=3"]), "a"));

    [Theory]
    [InlineData("http://localhost:4877", "", "")]
    [InlineData("https://auth.example.com", "__Secure-", "; Secure")]
    public async Task Session_cookies_are_written_as_recorded(string baseUrl, string prefix, string secure)
    {
        await using var app = await App.Start(new() { ["Auth:BaseUrl"] = baseUrl });
        var cookies = app.Services.GetRequiredService<SessionCookies>();
        var context = new DefaultHttpContext();

        cookies.Set(context, "k3yW9x2QmTzR7uVbN4cLpA8sDfGhJq01", TimeSpan.FromDays(7));
        Assert.Equal(
            $"{prefix}better-auth.session_token=k3yW9x2QmTzR7uVbN4cLpA8sDfGhJq01.ZDrJxzkOWiXxchjhTe7VjqQ1sLvXtkGTbsZddNcVRwo%3D; Max-Age=604800; Path=/; HttpOnly{secure}; SameSite=Lax",
            Assert.Single(context.Response.Headers.SetCookie));

        cookies.Set(context, "k3yW9x2QmTzR7uVbN4cLpA8sDfGhJq01", null);
        Assert.Equal(
            (IEnumerable<string?>)[
                $"{prefix}better-auth.session_token=k3yW9x2QmTzR7uVbN4cLpA8sDfGhJq01.ZDrJxzkOWiXxchjhTe7VjqQ1sLvXtkGTbsZddNcVRwo%3D; Path=/; HttpOnly{secure}; SameSite=Lax",
                $"{prefix}better-auth.dont_remember=true.7b%2F8DeYYFK2DoQBxth0H2UuxjgHJN9rOGpE1Y98thxo%3D; Path=/; HttpOnly{secure}; SameSite=Lax",
            ],
            context.Response.Headers.SetCookie);

        cookies.Clear(context);
        Assert.Equal(
            (IEnumerable<string?>)[
                $"{prefix}better-auth.session_token=; Max-Age=0; Path=/; HttpOnly{secure}; SameSite=Lax",
                $"{prefix}better-auth.session_data=; Max-Age=0; Path=/; HttpOnly{secure}; SameSite=Lax",
                $"{prefix}better-auth.dont_remember=; Max-Age=0; Path=/; HttpOnly{secure}; SameSite=Lax",
            ],
            context.Response.Headers.SetCookie);
    }

    [Fact]
    public async Task Session_cookies_are_read_and_verified()
    {
        await using var app = await App.Start();
        var cookies = app.Services.GetRequiredService<SessionCookies>();
        var context = new DefaultHttpContext();
        context.Request.Headers.Cookie =
            "better-auth.session_token=k3yW9x2QmTzR7uVbN4cLpA8sDfGhJq01.ZDrJxzkOWiXxchjhTe7VjqQ1sLvXtkGTbsZddNcVRwo%3D; better-auth.dont_remember=true.forged";

        Assert.Equal("k3yW9x2QmTzR7uVbN4cLpA8sDfGhJq01", cookies.ReadToken(context));
        Assert.False(cookies.IsNotRemembered(context));

        context.Request.Headers.Cookie = "better-auth.dont_remember=true.7b%2F8DeYYFK2DoQBxth0H2UuxjgHJN9rOGpE1Y98thxo%3D";
        Assert.Null(cookies.ReadToken(context));
        Assert.True(cookies.IsNotRemembered(context));
    }
}

public sealed class AcceptedSecretTests
{
    private const string New = "the new secret, 32 characters and more";
    private const string Old = "the old secret, 32 characters and more";

    [Fact]
    public void A_cookie_of_an_accepted_secret_is_read_and_another_is_signed_with_the_one_in_force()
    {
        var (before, during, after) = (Cookies(Old), Cookies(New, Old), Cookies(New));
        foreach (var value in (string[])["a-token", "with space/+=", "ünïcode"])
        {
            var old = $"better-auth.a={SignedCookies.Sign(value, Encoding.UTF8.GetBytes(Old))}";
            var current = $"better-auth.a={SignedCookies.Sign(value, Encoding.UTF8.GetBytes(New))}";
            var forged = $"better-auth.a={SignedCookies.Sign(value, "somebody else's"u8)}";
            Assert.Equal((true, false, false), (Reads(before, old), Reads(before, current), Reads(before, forged)));
            Assert.Equal((true, true, false), (Reads(during, old), Reads(during, current), Reads(during, forged)));
            Assert.Equal((false, true, false), (Reads(after, old), Reads(after, current), Reads(after, forged)));
        }

        Assert.Equal(after.WithSignature("x"), during.WithSignature("x"));
        Assert.NotEqual(before.WithSignature("x"), during.WithSignature("x"));
    }

    [Fact]
    public void All_of_several_cookies_are_read_whichever_secret_signed_them()
    {
        var context = new DefaultHttpContext();
        context.Request.Headers.Cookie = $"better-auth.a-1={SignedCookies.Sign("one", Encoding.UTF8.GetBytes(Old))}; better-auth.a-2={SignedCookies.Sign("two", Encoding.UTF8.GetBytes(New))}";
        Assert.Equal(["one", "two"], Cookies(New, Old).ReadAll(context, "a-"));
        Assert.Equal(["two"], Cookies(New).ReadAll(context, "a-"));
    }

    // Both ways of reading agree.
    private static bool Reads(SignedCookies cookies, string header)
    {
        var context = new DefaultHttpContext();
        context.Request.Headers.Cookie = header;
        var isRead = cookies.Read(context, "a") is not null;
        Span<byte> value = stackalloc byte[SignedCookies.LongestValue];
        Assert.Equal(isRead ? CookieFound.Ours : CookieFound.Missing, cookies.Find(context.Request.Headers.Cookie, "better-auth.a", value, out _));
        return isRead;
    }

    private static SignedCookies Cookies(string secret, params string[] accepted)
    {
        var options = Options.Create(new AuthOptions { Secret = secret, AcceptedSecrets = accepted, BaseUrl = new Uri("http://localhost") });
        return new SignedCookies(options, new PublicAddress(options, new ServiceCollection().BuildServiceProvider()));
    }
}
