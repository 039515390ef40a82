using System.Collections.Concurrent;
using System.Net;
using System.Net.Http.Json;
using Modular.Testing;

namespace Modular.Host.Tests;

/// <summary>
/// A server that dies in the middle of its work, twice: what it acknowledged is there once, what it did not is there
/// whole or not at all.
/// </summary>
public sealed class KilledHostTests
{
    private const int SignUps = 1_000;
    private const int AtOnce = 16;

    private static readonly string[] ModulesWithEvents = ["identity", "sessions", "profiles"];

    [Fact]
    public async Task Nothing_acknowledged_is_lost_and_nothing_is_there_twice()
    {
        await using var database = await TestDatabase.CreateAsync();
        var waiting = new ConcurrentQueue<int>(Enumerable.Range(0, SignUps));
        var cookies = new ConcurrentDictionary<int, string>();

        foreach (var killAfter in new[] { 300, 700 })
        {
            await using var host = await HostProcess.StartAsync(database.ConnectionString);
            await SignUpUntil(host, waiting, cookies, killAfter);
        }

        await using var last = await HostProcess.StartAsync(database.ConnectionString);
        await SignUpUntil(last, waiting, cookies, killAfter: null);
        await using var numbers = new Numbers(database.ConnectionString);
        await Settled(numbers);

        var users = await numbers.Of("select count(*) from identity.mt_doc_user");
        Assert.Equal(SignUps, users);
        Assert.Equal(users, await numbers.Of("select count(*) from identity.mt_doc_account"));
        Assert.Equal(users, await numbers.Of("select count(*) from sessions.mt_doc_session"));
        Assert.Equal(users, await numbers.Of("select count(*) from neon_auth.users_sync"));
        Assert.Equal(users, await numbers.Of("select count(*) from profiles.mt_doc_profile"));
        Assert.Equal(users, await numbers.Of("select count(*) from identity.mt_events where type = 'user.registered.1'"));
        Assert.Equal(users, await numbers.Of("select count(*) from sessions.mt_events where type = 'session.started.1'"));
        Assert.Equal(users, await numbers.Of("select count(*) from profiles.mt_events where type = 'profile.opened.1'"));
        Assert.Equal(0, await numbers.Of("select count(*) from messaging.dead_letters"));
        var entries = await numbers.Of("select count(*) from audit.entries");
        Assert.Equal(await EventsOf(numbers), entries);
        Assert.Equal(entries, await numbers.Of("select count(distinct event_id) from audit.entries"));
        Assert.Equal(entries - 1, await numbers.Of("select max(position) from audit.entries"));
        await EveryAcknowledgedSessionLives(last, cookies);
    }

    private static async Task SignUpUntil(
        HostProcess host, ConcurrentQueue<int> waiting, ConcurrentDictionary<int, string> cookies, int? killAfter)
    {
        using var client = new HttpClient(new SocketsHttpHandler { UseCookies = false }) { BaseAddress = new Uri(host.Url) };
        var killed = 0;
        await Task.WhenAll(Enumerable.Range(0, AtOnce).Select(async _ =>
        {
            while (Volatile.Read(ref killed) == 0 && waiting.TryDequeue(out var number))
            {
                if (!await SignUp(client, number, cookies))
                    waiting.Enqueue(number);
                if (cookies.Count >= killAfter && Interlocked.Exchange(ref killed, 1) == 0)
                    await host.KillAsync();
            }
        }));
    }

    // Unanswered, it may or may not have happened: asked again, "exists already" is as good as done.
    private static async Task<bool> SignUp(HttpClient client, int number, ConcurrentDictionary<int, string> cookies)
    {
        try
        {
            using var answer = await client.PostAsJsonAsync(
                "/api/auth/sign-up/email", new { name = $"User {number}", email = $"user{number}@example.com", password = "a long password" });
            if (answer.StatusCode == HttpStatusCode.OK)
                cookies[number] = answer.Headers.GetValues("Set-Cookie").First().Split(';')[0];
            else
                Assert.Equal(HttpStatusCode.UnprocessableEntity, answer.StatusCode);
            return true;
        }
        catch (HttpRequestException)
        {
            return false;
        }
    }

    private static async Task EveryAcknowledgedSessionLives(HostProcess host, ConcurrentDictionary<int, string> cookies)
    {
        Assert.True(cookies.Count > SignUps - (2 * AtOnce) - 1, $"Only {cookies.Count} sign-ups were acknowledged.");
        using var client = new HttpClient(new SocketsHttpHandler { UseCookies = false }) { BaseAddress = new Uri(host.Url) };
        foreach (var (number, cookie) in cookies)
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, "/api/auth/get-session");
            request.Headers.Add("Cookie", cookie);
            using var answer = await client.SendAsync(request);
            Assert.Contains($"user{number}@example.com", await answer.Content.ReadAsStringAsync(), StringComparison.Ordinal);
        }
    }

    private static async Task<long> EventsOf(Numbers numbers)
    {
        var events = 0L;
        foreach (var module in ModulesWithEvents)
            events += await numbers.Of($"select count(*) from {module}.mt_events");
        return events;
    }

    private static async Task Settled(Numbers numbers)
    {
        using var late = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        while (await numbers.Of("select count(*) from messaging.incoming_envelopes") > 0
            || await numbers.Of("select count(*) from audit.entries") < await EventsOf(numbers))
            await Task.Delay(100, late.Token);
    }
}
