using System.Buffers.Binary;
using Modular.Testing;

namespace Modular.Profiles.Tests;

public sealed class PictureTests
{
    [Fact]
    public void The_three_kinds_are_known_by_their_bytes_with_their_size()
    {
        Assert.Equal(new Picture("image/png", 640, 480), Picture.Of(Pictures.Png(640, 480)));
        Assert.Equal(new Picture("image/jpeg", 640, 480), Picture.Of(Pictures.Jpeg(640, 480)));
        Assert.Equal(new Picture("image/webp", 640, 480), Picture.Of(Pictures.WebP("VP8X", 640, 480)));
        Assert.Equal(new Picture("image/webp", 640, 480), Picture.Of(Pictures.WebP("VP8L", 640, 480)));
        Assert.Equal(new Picture("image/webp", 640, 480), Picture.Of(Pictures.WebP("VP8 ", 640, 480)));
    }

    [Fact]
    public void Everything_else_is_no_picture()
    {
        byte[][] others =
        [
            [], "GIF89a"u8.ToArray(), "<svg xmlns='http://www.w3.org/2000/svg'><script/></svg>"u8.ToArray(), "<!doctype html>"u8.ToArray(),
            Pictures.Png(0, 1), Pictures.Png(1, 1)[..20], Pictures.Jpeg(1, 1)[..6], [0xFF, 0xD8, 0xFF, 0xDA, 0, 2, 0, 0, 0, 0, 0, 0, 0],
            Pictures.WebP("ALPH", 1, 1), Pictures.WebP("VP8X", 1, 1)[..25],
        ];
        Assert.All(others, bytes => Assert.Null(Picture.Of(bytes)));
    }

    [Fact]
    public void No_bytes_are_read_beyond_their_end()
    {
        var random = new Random(7);
        foreach (var whole in (byte[][])[Pictures.Png(9, 9), Pictures.Jpeg(9, 9), Pictures.WebP("VP8X", 9, 9), Pictures.WebP("VP8L", 9, 9), Pictures.WebP("VP8 ", 9, 9)])
        {
            for (var length = 0; length < whole.Length; length++)
                Picture.Of(whole.AsSpan(0, length));
            for (var i = 0; i < 2_000; i++)
            {
                var broken = whole.ToArray();
                broken[random.Next(4, broken.Length)] = (byte)random.Next(256);
                Picture.Of(broken);
            }
        }
    }
}

public sealed class ProfileImageOverHttp(PeopleApp app) : IClassFixture<PeopleApp>
{
    [Fact]
    public async Task A_picture_is_kept_and_served_as_what_it_is()
    {
        var ada = await app.SignedUp();
        var png = Pictures.Png(64, 32);
        // Whatever the sender calls it.
        var set = (await Put(ada, "me", png, "image/svg+xml")).Json();
        Assert.Equal(("image/png", 64, 32), (set.Text("type"), set.GetProperty("width").GetInt32(), set.GetProperty("height").GetInt32()));
        Assert.Equal(set.Text("image"), (await app.Read(ada, "/api/profiles/me")).Json().Text("image"));

        var served = await app.Read(ada, set.Text("image"));
        using var client = new HttpClient();
        using var request = new HttpRequestMessage(HttpMethod.Get, app.Url + set.Text("image"));
        request.Headers.TryAddWithoutValidation("Cookie", ada.Browser.CookieHeader);
        using var response = await client.SendAsync(request);
        Assert.Equal(png, await response.Content.ReadAsByteArrayAsync());
        Assert.Equal(
            ("image/png", "no-cache, private", "nosniff", "default-src 'none'; sandbox"),
            (served.Header("Content-Type"), served.Header("Cache-Control"), served.Header("X-Content-Type-Options"), served.Header("Content-Security-Policy")));
        var cookies = ada.Browser.CookieHeader;
        await app.Scenario(_ =>
        {
            _.WithRequestHeader("Cookie", cookies);
            _.WithRequestHeader("If-None-Match", served.Header("ETag")!);
            _.Get.Url(set.Text("image"));
            _.StatusCodeShouldBe(304);
        });
    }

    [Fact]
    public async Task It_is_seen_by_whoever_sees_the_profile()
    {
        var (ada, bob, root) = (await app.SignedUp(), await app.SignedUp("Bob"), await app.Root());
        await Put(ada, ada.Id, Pictures.Jpeg(10, 10), "image/jpeg");
        var path = $"/api/profiles/{ada.Id}/image";
        Assert.Equal("image_not_found", (await app.Read(bob, path, 404)).Code());
        await app.Read(null, path, 404);
        await app.Read(root, path);
        await app.Send(ada, "PUT", "/api/profiles/me", new { visibility = "public" });
        await app.Read(null, path);
        await Put(bob, ada.Id, Pictures.Jpeg(10, 10), "image/jpeg", 403);

        await app.Send(ada, "DELETE", "/api/profiles/me/image", null, 204);
        await app.Send(ada, "DELETE", "/api/profiles/me/image", null, 204);
        await app.Read(ada, path, 404);
        Assert.Equal(0, await app.Count("select count(*) from profiles.images where user_id = $1", ada.Id));
        var types = (await app.Sql("select type from profiles.mt_events where stream_id = $1 order by version", ada.Id)).Select(row => (string)row[0]!);
        Assert.Equal(["profile.opened.1", "profile.image_set.1", "profile.updated.1", "profile.image_removed.1"], types);
    }

    [Fact]
    public async Task What_is_no_picture_or_too_large_is_refused()
    {
        var ada = await app.SignedUp();
        Assert.Equal("image_type", (await Put(ada, "me", "<svg xmlns='http://www.w3.org/2000/svg'/>"u8.ToArray(), "image/png", 415)).Code());
        Assert.Equal("image_type", (await Put(ada, "me", [], "image/png", 415)).Code());
        Assert.Equal("image_too_large", (await Put(ada, "me", Pictures.Png(4097, 1), "image/png", 413)).Code());
        Assert.Equal("image_too_large", (await Put(ada, "me", [.. Pictures.Png(1, 1), .. new byte[512 * 1024]], "image/png", 413)).Code());
        await app.Read(ada, "/api/profiles/me/image", 404);
    }

    private Task<ScenarioResult> Put(Person person, string id, byte[] bytes, string type, int status = 200)
    {
        var cookies = person.Browser.CookieHeader;
        return app.Scenario(_ =>
        {
            _.WithRequestHeader("Cookie", cookies);
            _.Put.Bytes(bytes, type).ToUrl($"/api/profiles/{id}/image");
            _.StatusCodeShouldBe(status);
        });
    }
}

/// <summary>The beginnings of pictures.</summary>
internal static class Pictures
{
    public static byte[] Png(int width, int height)
    {
        byte[] bytes = [0x89, .. "PNG\r\n"u8, 0x1A, (byte)'\n', 0, 0, 0, 13, .. "IHDR"u8, .. new byte[17], .. "rest of it"u8];
        BinaryPrimitives.WriteInt32BigEndian(bytes.AsSpan(16), width);
        BinaryPrimitives.WriteInt32BigEndian(bytes.AsSpan(20), height);
        return bytes;
    }

    public static byte[] Jpeg(int width, int height) =>
    [
        0xFF, 0xD8, 0xFF, 0xE0, 0, 4, 1, 2, 0xFF, 0xC0, 0, 11, 8, (byte)(height >> 8), (byte)height, (byte)(width >> 8), (byte)width, 1, 1, 0x11, 0, 0, 0,
    ];

    public static byte[] WebP(string chunk, int width, int height)
    {
        byte[] bytes = [.. "RIFF"u8, 0, 0, 0, 0, .. "WEBP"u8, .. System.Text.Encoding.ASCII.GetBytes(chunk), 0, 0, 0, 0, .. new byte[14]];
        var data = bytes.AsSpan(20);
        switch (chunk)
        {
            case "VP8X":
                BinaryPrimitives.WriteInt32LittleEndian(data[4..], width - 1);
                BinaryPrimitives.WriteInt32LittleEndian(data[7..], height - 1);
                break;
            case "VP8L":
                data[0] = 0x2F;
                BinaryPrimitives.WriteUInt32LittleEndian(data[1..], (uint)(width - 1) | ((uint)(height - 1) << 14));
                break;
            default:
                new byte[] { 0x9D, 0x01, 0x2A }.CopyTo(data[3..]);
                BinaryPrimitives.WriteUInt16LittleEndian(data[6..], (ushort)width);
                BinaryPrimitives.WriteUInt16LittleEndian(data[8..], (ushort)height);
                break;
        }

        return bytes;
    }
}
