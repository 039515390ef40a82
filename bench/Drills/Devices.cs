using System.Net.Http.Json;

namespace Modular.Drills;

/// <summary>Somebody who is signed in.</summary>
/// <param name="Cookie">The Cookie header of their browser.</param>
/// <param name="SessionId">Their session's.</param>
internal sealed record Device(string Email, string Cookie, string SessionId);

/// <summary>People who sign up and in over HTTP, as many at once as there is work for.</summary>
internal static class Devices
{
    public const string Password = "correct-horse-1";

    private const int AtOnce = 16;

    private static readonly HttpClient Client = new(new SocketsHttpHandler { UseCookies = false, AllowAutoRedirect = false });

    /// <summary>Each a user of their own, signed in.</summary>
    public static async Task<IReadOnlyList<Device>> SignUp(string url, int count)
    {
        var devices = new Device[count];
        await Parallel.ForAsync(0, count, new ParallelOptions { MaxDegreeOfParallelism = AtOnce }, async (at, ct) =>
        {
            var email = $"drill-{Guid.NewGuid():N}@example.com";
            devices[at] = await Enter(url, "sign-up/email", email, new { name = $"Drill {at}", email, password = Password }, ct);
        });
        return devices;
    }

    public static Task<Device> SignIn(string url, string email, CancellationToken ct = default) =>
        Enter(url, "sign-in/email", email, new { email, password = Password }, ct);

    /// <summary>What this device asks for by POST.</summary>
    public static async Task Post(string url, string route, Device device, object body)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, $"{url}/api/auth/{route}") { Content = JsonContent.Create(body) };
        request.Headers.Add("Cookie", device.Cookie);
        request.Headers.Add("Origin", url);
        using var answer = await Client.SendAsync(request);
        await Expect(answer, route);
    }

    private static async Task<Device> Enter(string url, string route, string email, object body, CancellationToken ct)
    {
        using var answer = await Client.PostAsJsonAsync($"{url}/api/auth/{route}", body, ct);
        await Expect(answer, route);
        var cookie = string.Join("; ", answer.Headers.GetValues("Set-Cookie").Select(text => text.Split(';')[0])
            .Where(text => text.Contains(".session_token=", StringComparison.Ordinal)));
        using var request = new HttpRequestMessage(HttpMethod.Get, $"{url}/api/auth/get-session");
        request.Headers.Add("Cookie", cookie);
        using var session = await Client.SendAsync(request, ct);
        var told = await session.Content.ReadFromJsonAsync<System.Text.Json.JsonElement>(ct);
        return new Device(email, cookie, told.GetProperty("session").GetProperty("id").GetString()!);
    }

    private static async Task Expect(HttpResponseMessage answer, string route)
    {
        if (!answer.IsSuccessStatusCode)
            throw new InvalidOperationException($"{route}: {(int)answer.StatusCode} {await answer.Content.ReadAsStringAsync()}");
    }
}
