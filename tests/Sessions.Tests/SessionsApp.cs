using System.Globalization;
using System.Text;
using System.Text.Json;
using MediatR;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;
using Modular.Kernel;
using Modular.Sessions.Contracts;
using Modular.Store;
using Modular.Testing;

namespace Modular.Sessions.Tests;

/// <summary>Somebody with an account.</summary>
/// <param name="Json">The user as signing up answered it.</param>
public sealed record Person(string Id, string Email, string Json);

/// <summary>A browser that is signed in.</summary>
public sealed record Device(Browser Browser, Person Person, string SessionId, string Token, DateTimeOffset ExpiresAt);

/// <summary>The whole server; signing up does not sign in, so that a test knows every session there is.</summary>
public class SessionsApp : App
{
    private const string Password = "correct horse battery staple";
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    public SessionsApp()
        : this([])
    {
    }

    protected SessionsApp(Dictionary<string, string?> settings)
        : base(new Dictionary<string, string?>(settings) { ["Auth:AutoSignIn"] = "false" })
    {
    }

    public const string Cookie = "better-auth.session_token";
    public const string Multi = "better-auth.session_token_multi-";
    public const string NotRemembered = "better-auth.dont_remember";

    private byte[] Secret => Encoding.UTF8.GetBytes(Services.GetRequiredService<IOptions<AuthOptions>>().Value.Secret!);

    /// <summary>
    /// Waits for what another node, or an operator, has changed. How soon that is says the drill of revocations (docs/sessions.md): a
    /// machine that does many other things keeps no time.
    /// </summary>
    public static async Task Sees(Func<Task<bool>> holds)
    {
        for (var deadline = DateTime.UtcNow + Patience; !await holds(); await Task.Delay(5))
            Assert.True(DateTime.UtcNow < deadline, "A change was not seen.");
    }

    public async Task<Person> Registered(string name = "Ada")
    {
        var email = $"{Guid.NewGuid():N}@example.com";
        var user = (await Post(Browser(), "/api/auth/sign-up/email", new { name, email, password = Password })).Json().GetProperty("user");
        return new Person(user.GetProperty("id").GetString()!, email, user.GetRawText());
    }

    public async Task<Device> SignedIn(Person? person = null, string userAgent = "Laptop/1", bool remember = true)
    {
        person ??= await Registered();
        var browser = Browser();
        await SignIn(person, browser, userAgent, remember);
        var session = (await GetSession(browser)).Json().GetProperty("session");
        return new Device(
            browser, person, session.GetProperty("id").GetString()!, session.GetProperty("token").GetString()!, Time(session.GetProperty("expiresAt")));
    }

    public Task<ScenarioResult> SignIn(Person person, Browser browser, string userAgent = "Laptop/1", bool remember = true, int? status = 200) =>
        Scenario(_ =>
        {
            _.As(browser).Post.Json(new { email = person.Email, password = Password, rememberMe = remember }).ToUrl("/api/auth/sign-in/email");
            _.WithRequestHeader("User-Agent", userAgent);
            if (status is { } expected)
                _.StatusCodeShouldBe(expected);
            else
                _.IgnoreStatusCode();
        });

    /// <summary>A browser with the cookies of a session.</summary>
    public Device Hold(Person person, StartedSession started)
    {
        var browser = Browser();
        browser.Put(Cookie, Sign(started.Token));
        if (started.CookieLifetime is null)
            browser.Put(NotRemembered, Sign("true"));
        return new Device(browser, person, started.SessionId, started.Token, started.ExpiresAt);
    }

    /// <summary>What another module would ask.</summary>
    public async Task<T> Send<T>(IRequest<T> request)
    {
        await using var scope = Services.CreateAsyncScope();
        return await scope.ServiceProvider.GetRequiredService<IMediator>().Send(request);
    }

    /// <summary>As it goes into the Cookie header.</summary>
    public string Sign(string value) => SignedCookies.Sign(value, Secret);

    public Task<ScenarioResult> GetSession(Browser browser, string query = "") => Get(browser, "/api/auth/get-session" + query);

    public async Task<bool> IsSignedIn(Device device) => (await GetSession(Again(device).Browser)).Body != "null";

    /// <summary>The same cookies in another jar, as if nothing had been answered to this one.</summary>
    public Device Again(Device device)
    {
        var copy = Browser();
        foreach (var (name, value) in device.Browser.Cookies)
            copy.Put(name, value);
        return device with { Browser = copy };
    }

    public Task<ScenarioResult> Get(Browser browser, string url) => Scenario(_ =>
    {
        _.As(browser).Get.Url(url);
        _.IgnoreStatusCode();
    });

    public Task<ScenarioResult> Post(Browser browser, string url, object body) => Scenario(_ =>
    {
        _.As(browser).Post.Json(body).ToUrl(url);
        _.IgnoreStatusCode();
    });

    /// <summary>The stored names of a session's events, in order, with the reason where there is one.</summary>
    internal async Task<IReadOnlyList<string>> History(string sessionId)
    {
        var events = await Events(sessionId);
        return [.. events.Select(e => JsonDocument.Parse(e.Canonical).RootElement.GetProperty("reason").GetString() is { } reason
            ? $"{e.EventTypeName} {reason}"
            : e.EventTypeName)];
    }

    internal async Task<IReadOnlyList<IEvent>> Events(string sessionId)
    {
        await using var session = Services.GetRequiredService<IDocumentStore>().QuerySession();
        return await session.Events.FetchStreamAsync<Session>(sessionId);
    }

    internal async Task<Session?> Row(string sessionId)
    {
        await using var session = Services.GetRequiredService<IDocumentStore>().QuerySession();
        return await session.LoadAsync<Session>(sessionId);
    }

    public static void AssertCleared(ScenarioResult answer) => Assert.Equal(
        [
            "better-auth.session_token=; Max-Age=0; Path=/; HttpOnly; SameSite=Lax",
            "better-auth.session_data=; Max-Age=0; Path=/; HttpOnly; SameSite=Lax",
            "better-auth.dont_remember=; Max-Age=0; Path=/; HttpOnly; SameSite=Lax",
        ],
        answer.OwnCookies);

    /// <summary>A time of the wire.</summary>
    public static DateTimeOffset Time(JsonElement json) => DateTimeOffset.ParseExact(
        json.GetString()!, "yyyy-MM-dd'T'HH:mm:ss.fff'Z'", CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal);
}
