using System.Buffers.Binary;
using System.Text;
using System.Text.Json;
using MediatR;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Modular.Audit.Contracts;
using Modular.Store;
using Modular.Testing;

namespace Modular.Identity.Tests;

/// <summary>A server with everything on that anybody may use.</summary>
public sealed class ForgettingApp() : App(new()
{
    ["Admin:Email"] = AdminApp.Email,
    ["Admin:Password"] = People.Password,
    ["Adapter:ApiKey"] = AdapterApp.Key,
    ["Clerk:WebhookSecret"] = Clerk.Secret,
    ["Modular:ForwardedFor"] = "true",
    ["ApiKeys:ActAsSession"] = "true",
})
{
}

/// <summary>
/// Somebody uses everything there is, and is erased: a full copy of the database, everything that can be made from it anew and
/// a replay of the log tell nothing of them any more.
/// </summary>
public sealed class ForgottenPersonTests(ForgettingApp app) : IClassFixture<ForgettingApp>
{
    private const string Address = "203.0.113.77";
    private const string Agent = "Kingfisher/77.1 (Unforgettable Workstation; rv:19)";

    private static readonly string[] Interests = ["interest-kingfisher"];
    private static readonly string[] Languages = ["de-AT"];

    private readonly Traces _traces = new();

    [Fact]
    public async Task Of_an_erased_person_nothing_is_found_in_a_full_copy_nor_in_a_replay()
    {
        var root = await app.Root();
        var node = await app.AnotherNode();
        try
        {
            var ada = await UsesEverything(root);
            await app.Settled();
            await ThereIsSomethingToFind(root);
            await Failures(ada);
            Assert.NotEmpty(_traces.In(await Replay(node, root)));
            var entries = await app.Sql("select position, leaf, canonical from audit.entries order by position");

            await app.Act(root, "remove-user", new { userId = ada.Id });
            // Told in the transaction itself, so at once; the replay is made of what is in the log.
            await app.Settled();
            Assert.Empty(_traces.In(await Replay(node, root)));

            await NothingIsFound(root);
            await LateEvents(ada);
            app.Clock.Advance(TimeSpan.FromMinutes(3));
            await app.Settled();
            foreach (var name in await Send(new ListReadModels()))
                Assert.NotNull(await Send(new RebuildReadModel(name)));
            await NothingIsFound(await app.Root());

            // Not a byte of what was there before has changed.
            var after = await app.Sql("select position, leaf, canonical from audit.entries where position <= $1 order by position", entries[^1][0]!);
            Assert.Equal(entries.Select(row => Convert.ToHexString((byte[])row[2]!)), after.Select(row => Convert.ToHexString((byte[])row[2]!)));
            Assert.Null((await Send(new VerifyLog())).FirstWrong);
            Assert.Equal(1, await app.Count("select count(*) from audit.search where type = 'subject.erased.1' and subject = $1 and actor = $2", ada.Id, root.Id));
        }
        finally
        {
            await node.DisposeAsync();
        }
    }

    [Fact]
    public async Task Of_somebody_of_Clerk_and_of_somebody_imported_nothing_is_found_either()
    {
        var root = await app.Root();
        var person = new ClerkPerson("user_clerk77", "Halcyonette", "halcyonette.river@unforgettable.example", Verified: true, Banned: false, Deleted: false);
        _traces.Add("halcyonette", "unforgettable.example", "img.clerk.com/x");
        await app.Tell("user.created", person, 1_700_000_000_000);
        await app.Tell("user.updated", person with { Name = "Halcyonette II", Banned = true }, 1_700_000_001_000);
        await Send(new Contracts.ImportUsers(
            "better-auth", "erasure", null,
            [new Contracts.SourceUser("imported77", """{"id":"imported77","name":"Halcyonette Imported","email":"imported@unforgettable.example","image":"https://img.clerk.com/x"}""",
                ["""{"id":"acc77","providerId":"github","accountId":"github-halcyonette-7"}"""], [])],
            IsLast: true, IsDryRun: false));
        await app.Settled();
        await ThereIsSomethingToFind(root);
        await app.Tell("user.deleted", person with { Deleted = true }, 1_700_000_002_000);
        await app.Act(root, "remove-user", new { userId = "imported77" });
        await app.Settled();
        app.Clock.Advance(TimeSpan.FromMinutes(3));
        await app.Settled();
        await NothingIsFound(root);
    }

    private async Task<Person> UsesEverything(Person root)
    {
        const string Email = "augusta.kingfisher@unforgettable.example";
        var browser = Desk();
        _traces.Add(
            "augusta ineradicable", "ineradicable", "augusta.kingfisher", Email, "unforgettable.example", Address, "kingfisher/77.1", "unforgettable workstation");
        // Before they have an account.
        await Post(browser, "/api/auth/sign-in/email", new { email = Email, password = People.Password }, 401);
        await Post(browser, "/api/auth/sign-in/magic-link", new { email = Email, name = "Augusta Ineradicable" });
        await app.Ask("create-verification-token", new { identifier = Email, token = "digest-of-a-token-1", expires = app.Clock.GetUtcNow().AddHours(1) });
        var mentor = await app.SignedUp(("name", "Grace"));
        var guild = await app.Founds(mentor);
        await app.Invites(mentor, guild, Email);

        _traces.Add("kingfisher_77", "ineradicable-picture", "the-countess-77");
        var signedUp = await Post(browser, "/api/auth/sign-up/email", new
        {
            name = "Augusta Ineradicable",
            email = Email,
            password = People.Password,
            image = "https://example.com/ineradicable-picture.png",
            username = "Kingfisher_77",
            displayUsername = "The-Countess-77",
        });
        var ada = new Person(signedUp.Json().GetProperty("user").Text("id"), Email, browser, signedUp.Json());
        await Post(browser, "/api/auth/send-verification-email", new { email = Email });
        await Open(browser, await app.LinkTo(Email));
        await Post(Desk(), "/api/auth/sign-in/email", new { email = Email, password = "a wrong one" }, 401);
        await Post(Desk(), "/api/auth/sign-in/username", new { username = "Kingfisher_77", password = People.Password });
        await Post(Desk(), "/api/auth/sign-in/email-otp", new { email = Email, otp = await app.Code(Email, "sign-in") });
        await Open(Desk(), await app.MagicLink(Email));
        await Post(browser, "/api/auth/request-password-reset", new { email = Email });
        await ChangesWhoTheyAre(ada);
        await HoldsKeys(ada);
        await BelongsTo(ada, mentor, guild);
        await Meets(ada, mentor, root);
        await app.Ask("link-account", Applications.Account(ada.Id, "keycloak-ineradicable-9"));
        _traces.Add("keycloak-ineradicable-9", "spread-rumours-77");
        await app.Act(root, "ban-user", new { userId = ada.Id, banReason = "Augusta spread-rumours-77" });
        await app.Act(root, "unban-user", new { userId = ada.Id });
        await app.Act(root, "impersonate-user", new { userId = ada.Id });
        await app.Act(root, "stop-impersonating", new { });
        return ada;
    }

    private async Task ChangesWhoTheyAre(Person ada)
    {
        _traces.Add("augusta-renamed-77", "refused.halcyon");
        await Post(ada.Browser, "/api/auth/update-user", new { name = "Augusta-Renamed-77", image = "https://example.com/ineradicable-picture-2.png" });
        await Post(ada.Browser, "/api/auth/change-email", new { newEmail = "refused.halcyon@unforgettable.example" });
    }

    private async Task HoldsKeys(Person ada)
    {
        _traces.Add("yubikey-augusta", "robot-augusta", "secret-project-77");
        await app.RegisterKey(ada.Browser, new SoftAuthenticator(), more: ("name", "yubikey-augusta"));
        var key = await app.MadeKey(ada, new { name = "robot-augusta", metadata = new { project = "secret-project-77" } });
        await app.WithKey(key.Text("key"));
        var (secret, _) = await app.Prepare(ada);
        await app.Factor(ada.Browser, "verify-totp", new { code = app.CodeOf(secret, -1) });
        await app.Factor(Desk(), "verify-totp", new { code = "000000" }, status: null);
        await app.Factor(ada.Browser, "disable", new { password = People.Password });
    }

    private async Task BelongsTo(Person ada, Person mentor, string guild)
    {
        var invitationId = (string)(await app.Sql("select id from identity.mt_doc_invitation where email = $1", ada.Email))[0][0]!;
        await app.Do(ada, "accept-invitation", new { invitationId });
        var other = await app.Founds(mentor);
        await app.Invites(mentor, other, ada.Email);
        var own = await app.Founds(ada);
        await app.Invites(ada, own, "somebody.else@example.com");
        await app.Do(ada, "create-team", new { name = "Team", organizationId = own });
        await app.Try(ada, "delete", new { organizationId = guild });
    }

    private async Task Meets(Person ada, Person mentor, Person root)
    {
        _traces.Add(
            "countess-of-nowhere", "headline-kingfisher", "biography-kingfisher", "goals-kingfisher", "interest-kingfisher", "mentor-kingfisher",
            "topic-kingfisher", "note-kingfisher", "comment-kingfisher", "picture-kingfisher", "antarctica/mawson");
        await Put(ada.Browser, "/api/profiles/me", new
        {
            displayName = "Countess-of-Nowhere",
            headline = "headline-kingfisher",
            biography = "biography-kingfisher",
            visibility = "members",
            timeZone = "Antarctica/Mawson",
        });
        await app.Scenario(_ => _.As(ada.Browser).Put.Bytes(Png("picture-kingfisher"), "image/png").ToUrl("/api/profiles/me/image"));
        await Put(ada.Browser, "/api/mentees/me", new { goals = "goals-kingfisher", interests = Interests });
        await Put(ada.Browser, "/api/mentors/me", new { biography = "mentor-kingfisher", expertise = Array.Empty<object>(), languages = Languages, capacity = 3 });
        await Put(ada.Browser, "/api/mentors/me/availability", Hours("Antarctica/Mawson"));
        await Post(ada.Browser, "/api/calendar-feed", new { }, 201);
        await Put(mentor.Browser, "/api/mentors/me", new { biography = "Compilers", expertise = Array.Empty<object>(), languages = Languages, capacity = 9 });
        await Put(mentor.Browser, "/api/mentors/me/availability", Hours("Etc/UTC"));
        var first = await Asks(ada, mentor, hour: 10, "topic-kingfisher one");
        await Post(ada.Browser, $"/api/office-sessions/{first}/cancel", new { note = "note-kingfisher" });
        var second = await Asks(ada, mentor, hour: 11, "topic-kingfisher two");
        await Post(mentor.Browser, $"/api/office-sessions/{second}/confirm", new { });
        // As if it were over; what it takes is tested elsewhere.
        app.Clock.Advance(TimeSpan.FromDays(3.6));
        (mentor, ada, root) = (await SignsInAgain(mentor), await SignsInAgain(ada), await SignsInAgain(root));
        await Post(mentor.Browser, $"/api/office-sessions/{second}/complete", new { });
        await Post(ada.Browser, $"/api/office-sessions/{second}/feedback", new { rating = 5, comment = "comment-kingfisher" });
        var third = await Asks(ada, mentor, hour: 12, "topic-kingfisher three");
        Assert.NotEqual(second, third);
    }

    private async Task<Person> SignsInAgain(Person person)
    {
        await Post(person.Browser, "/api/auth/sign-in/email", new { email = person.Email, password = People.Password });
        return person;
    }

    private async Task<string> Asks(Person mentee, Person mentor, int hour, string topic)
    {
        var at = new DateTimeOffset(app.Clock.GetUtcNow().UtcDateTime.Date.AddDays(3).AddHours(hour), TimeSpan.Zero);
        return (await Post(mentee.Browser, "/api/office-sessions", new { mentorId = mentor.Id, startsAt = at, topic }, 201)).Json().Text("id");
    }

    // What cannot be brought about by the API: a message of theirs that failed and said why, and a mail to them that never left.
    private async Task Failures(Person ada)
    {
        const string Dead = """
            insert into messaging.dead_letters (id, queue, group_id, message_type, body, sent_at, died_at, attempts, exception_type, exception_message)
            values (gen_random_uuid(), 'identity', null, $1, $2::jsonb, now(), now(), 9, 'X', 'Failed for augusta.kingfisher@unforgettable.example')
            """;
        await app.Sql(Dead, "profiles.office_session_told.1", JsonSerializer.Serialize(new { userId = ada.Id }));
        await app.Sql(Dead, "identity.mail_requested.1", JsonSerializer.Serialize(new { addressHash = app.Services.GetRequiredService<AddressHash>().Of(ada.Email) }));
    }

    private async Task LateEvents(Person ada)
    {
        await using var session = app.Services.GetRequiredService<IDocumentStore>().LightweightSession(new EventMetadata { IpAddress = Address, UserAgent = Agent });
        session.Events.Append($"late:{Guid.NewGuid():N}", new SignInFailed(ada.Id, null, "late", app.Clock.GetUtcNow()));
        session.Events.Append($"late:{Guid.NewGuid():N}", new EmailChangeLinkSent(ada.Id, ada.Email, app.Clock.GetUtcNow()));
        await session.SaveChangesAsync();
        await app.Settled();
        Assert.Equal(0, await app.Count("select count(*) from store.subject_keys where subject = $1 and wrapped is not null", ada.Id));
        Assert.Equal(2, await app.Count("select count(*) from audit.entries where convert_from(canonical, 'UTF8') like '%\"stream\":\"late:%' and convert_from(canonical, 'UTF8') like '%\"client\":null%'"));
        // Whoever tries the address is nobody, and so is the address.
        await Post(Desk(), "/api/auth/sign-in/email", new { email = ada.Email, password = "a wrong one" }, 401);
        await app.Settled();
        Assert.Equal(0, await app.Count("select count(*) from identity.mt_doc_development_mail where data ->> 'addressHash' = $1 and data ->> 'at' < $2", app.Services.GetRequiredService<AddressHash>().Of(ada.Email), "2000"));
    }

    private async Task ThereIsSomethingToFind(Person root)
    {
        await app.Sql("analyze");
        var (copy, replay) = (await app.Dump(), await Replay(app, root));
        foreach (var text in _traces.Texts)
        {
            var one = new Traces();
            one.Add(text);
            Assert.True(one.In(copy).Count + one.In(replay).Count > 0, $"'{text}' is not found even before the person is erased: nobody uses it");
        }
    }

    private async Task NothingIsFound(Person root)
    {
        await SamplesAreTakenAnew();
        var copy = await app.Dump();
        var found = _traces.In(copy);
        Assert.True(found.Count == 0, copy.Where(found));
        var replay = await Replay(app, root);
        found = _traces.In(replay);
        Assert.True(found.Count == 0, replay.Where(found));
    }

    // What runs every hour; Audit's alone, so by its name.
    private async Task SamplesAreTakenAnew()
    {
        var sweep = app.Services.GetServices<IHostedService>().Single(service => service.GetType().Name == "StatisticsSweep");
        await (Task<int?>)sweep.GetType().GetMethod("Sweep")!.Invoke(sweep, [CancellationToken.None])!;
    }

    private static async Task<string> Replay(App node, Person root) =>
        (await node.Scenario(_ => _.As(root.Browser).Get.Url("/api/audit/replay?from=0"))).Body;

    private async Task<T> Send<T>(IRequest<T> request)
    {
        await using var scope = app.Services.CreateAsyncScope();
        return await scope.ServiceProvider.GetRequiredService<IMediator>().Send(request);
    }

    private Browser Desk()
    {
        var browser = app.Browser();
        browser.Headers["User-Agent"] = Agent;
        browser.Headers["X-Forwarded-For"] = Address;
        return browser;
    }

    private Task<ScenarioResult> Post(Browser browser, string path, object body, int status = 200) => app.Scenario(_ =>
    {
        _.As(browser).Post.Json(body).ToUrl(path);
        _.StatusCodeShouldBe(status);
    });

    private Task<ScenarioResult> Put(Browser browser, string path, object body) => app.Scenario(_ => _.As(browser).Put.Json(body).ToUrl(path));

    private Task<ScenarioResult> Open(Browser browser, string link) => app.Scenario(_ =>
    {
        _.As(browser).Get.Url(link);
        _.IgnoreStatusCode();
    });

    private static object Hours(string timeZone) => new
    {
        timeZone,
        slotMinutes = 30,
        rules = Enum.GetNames<DayOfWeek>().Select(day => new { day = day.ToLowerInvariant(), from = "00:00", to = "24:00" }),
    };

    // The size of a picture, and words where a camera writes them.
    private static byte[] Png(string words)
    {
        byte[] header = [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A, 0, 0, 0, 13, .. "IHDR"u8, 0, 0, 0, 0, 0, 0, 0, 0, 8, 6, 0, 0, 0, 0, 0, 0, 0];
        BinaryPrimitives.WriteInt32BigEndian(header.AsSpan(16), 8);
        BinaryPrimitives.WriteInt32BigEndian(header.AsSpan(20), 8);
        return [.. header, .. Encoding.UTF8.GetBytes(words)];
    }
}
