using System.Globalization;
using System.Text.Json;
using Microsoft.Extensions.DependencyInjection;
using Modular.Testing;

namespace Modular.Audit.Tests;

/// <summary>What the log tells of a time is what the tables said at that time, whatever people did in between.</summary>
public sealed class AsOfTests(AdministeredApp app) : IClassFixture<AdministeredApp>
{
    [Theory]
    [InlineData(20261125)]
    [InlineData(7)]
    [InlineData(4711)]
    public async Task Any_past_is_told_as_it_was(int seed)
    {
        var history = new History(app, new Random(seed));
        var seen = new List<(DateTimeOffset At, IReadOnlyList<string> State)>();
        for (var act = 0; act < 200; act++)
        {
            await history.Act();
            if (act % 3 != 0)
                continue;
            seen.Add((app.Clock.GetUtcNow(), await Now()));
            app.Clock.Advance(TimeSpan.FromMilliseconds(2));
        }

        Assert.True(history.Done.Count >= 16 && history.Done.Values.Sum() > 60, string.Join(", ", history.Done));
        Assert.Contains(seen, moment => moment.State.Any(line => line.Contains("suspended", StringComparison.Ordinal)));
        await app.Settled();
        var admin = await history.Admin();
        foreach (var (at, state) in seen)
            Assert.Equal(string.Join('\n', state), string.Join('\n', (await AsOf(admin, at)).Select(Line)));

        // A difference is what the two ends differ by.
        for (var at = 0; at + 5 < seen.Count; at += 5)
            await Differ(admin, seen[at].At, seen[at + 5].At);
    }

    [Fact]
    public async Task Who_was_erased_since_is_told_without_a_name_and_a_session_ends_with_its_time()
    {
        var history = new History(app, new Random(1));
        var admin = await history.Admin();
        var (_, id) = await history.SignUp();
        var before = app.Clock.GetUtcNow();
        app.Clock.Advance(TimeSpan.FromHours(7.9));
        var late = app.Clock.GetUtcNow();
        app.Clock.Advance(TimeSpan.FromHours(0.2));
        var over = app.Clock.GetUtcNow();
        admin = await history.Admin();
        await app.Scenario(_ => _.As(admin).Post.Json(new { userId = id }).ToUrl("/api/auth/admin/remove-user"));
        var gone = app.Clock.GetUtcNow();
        await app.Settled();

        Assert.Single((await One(admin, id, before)).GetProperty("sessions").EnumerateArray());
        Assert.Single((await One(admin, id, late)).GetProperty("sessions").EnumerateArray());
        // Nobody has ended it by then, nor looked whether it was over.
        Assert.Empty((await One(admin, id, over)).GetProperty("sessions").EnumerateArray());
        var then = await One(admin, id, before);
        Assert.Equal(
            (JsonValueKind.Null, JsonValueKind.Null, true, "active"),
            (then.GetProperty("name").ValueKind, then.GetProperty("email").ValueKind, then.GetProperty("isErased").GetBoolean(), then.GetProperty("status").GetString()));
        Assert.Equal("deleted", (await One(admin, id, gone)).GetProperty("status").GetString());
        Assert.DoesNotContain((await AsOf(admin, gone)).Select(user => user.GetProperty("id").GetString()), user => user == id);
        Assert.Empty((await Get(admin, $"/api/audit/as-of?at={Text(before - TimeSpan.FromDays(1))}&user={id}")).GetProperty("users").EnumerateArray());
    }

    [Theory]
    [InlineData("/api/audit/as-of", 400, "invalid_time")]
    [InlineData("/api/audit/as-of?at=yesterday", 400, "invalid_time")]
    [InlineData("/api/audit/as-of?at=2999-01-01", 400, "time_in_future")]
    [InlineData("/api/audit/as-of?at=2026-01-01&limit=101", 400, "invalid_limit")]
    [InlineData("/api/audit/as-of/difference?from=2026-01-01", 400, "invalid_time")]
    [InlineData("/api/audit/as-of/difference?from=2026-01-02&to=2026-01-01", 400, "invalid_range")]
    public async Task A_malformed_question_is_refused_with_its_code(string url, int status, string code)
    {
        var admin = await new History(app, new Random(2)).Admin();
        var answer = await app.Scenario(_ =>
        {
            _.As(admin).Get.Url(url);
            _.StatusCodeShouldBe(status);
        });
        Assert.Equal(code, answer.Json().GetProperty("code").GetString());
    }

    [Theory]
    [InlineData("/api/audit/as-of?at=2026-01-01")]
    [InlineData("/api/audit/as-of/difference?from=2026-01-01&to=2026-01-02")]
    public async Task Only_administrators_look_into_the_past(string url)
    {
        var (ada, _) = await new History(app, new Random(3)).SignUp();
        await app.Scenario(_ =>
        {
            _.As(ada).Get.Url(url);
            _.StatusCodeShouldBe(403);
        });
        await app.Scenario(_ =>
        {
            _.Get.Url(url);
            _.StatusCodeShouldBe(401);
        });
    }

    private async Task Differ(Browser admin, DateTimeOffset from, DateTimeOffset to)
    {
        var (before, after) = ((await AsOf(admin, from)).ToDictionary(Id), (await AsOf(admin, to)).ToDictionary(Id));
        var expected = before.Keys.Union(after.Keys).Order(StringComparer.Ordinal)
            .Select(id => (Id: id, Started: Sessions(after, id).Except(Sessions(before, id)), Ended: Sessions(before, id).Except(Sessions(after, id)),
                IsNew: !before.ContainsKey(id), IsGone: !after.ContainsKey(id)))
            .Where(user => user.IsNew || user.IsGone || Essence(before[user.Id]) != Essence(after[user.Id]))
            .Select(user => $"{user.Id} {user.IsNew} {user.IsGone} +{string.Join(',', user.Started.Order())} -{string.Join(',', user.Ended.Order())}");
        var told = new List<string>();
        for (string? next = ""; next is not null;)
        {
            var page = await Get(admin, $"/api/audit/as-of/difference?from={Text(from)}&to={Text(to)}&limit=7&after={next}");
            told.AddRange(page.GetProperty("users").EnumerateArray().Select(user =>
                $"{Id(user)} {user.GetProperty("isNew")} {user.GetProperty("isGone")} +{Ids(user, "sessionsStarted")} -{Ids(user, "sessionsEnded")}"));
            next = page.GetProperty("next").GetString();
        }

        Assert.Equal(string.Join('\n', expected), string.Join('\n', told));

        static string Ids(JsonElement user, string list) => string.Join(',', user.GetProperty(list).EnumerateArray().Select(Id).Order());
        static IEnumerable<string> Sessions(Dictionary<string, JsonElement> users, string id) =>
            users.TryGetValue(id, out var user) ? user.GetProperty("sessions").EnumerateArray().Select(Id) : [];
        // A session that only got more time, or another organization, is the same session.
        static string Essence(JsonElement user) =>
            $"{user.GetProperty("roles")} {user.GetProperty("status")} {user.GetProperty("memberships")} {string.Join(' ', user.GetProperty("sessions").EnumerateArray().Select(Id).Order())}";
    }

    // The same as the answer, from the tables as they are now.
    private async Task<IReadOnlyList<string>> Now()
    {
        var now = app.Clock.GetUtcNow();
        var users = await app.Sql("""
            select u.id, u.role,
                case when u.banned and not coalesce(u.ban_expires <= $1, false) then case when u.data ->> 'inactive' = 'true' then 'inactive' else 'suspended' end else 'active' end,
                coalesce((select string_agg(m.organization_id || ':' || m.role || ':' || coalesce((
                    select string_agg(t.team_id, '+' order by t.team_id collate "C") from identity.mt_doc_team_member t
                    where t.user_id = u.id and t.organization_id = m.organization_id), ''), ' ' order by m.organization_id collate "C")
                    from identity.mt_doc_member m where m.user_id = u.id), '')
            from identity.mt_doc_user u order by u.id collate "C"
            """, now);
        var sessions = (await app.Sql("""
            select s.user_id, s.id || ':' || s.method || ':' || coalesce(s.impersonated_by, '') || ':' || coalesce(s.active_organization_id, '') || ':'
                || coalesce(s.active_team_id, '') || ':' || coalesce(s.ip_address, '') || ':' || extract(epoch from date_trunc('second', s.expires_at))::bigint
            from sessions.mt_doc_session s where s.expires_at > $1 order by s.id collate "C"
            """, now)).ToLookup(row => (string)row[0]!, row => (string)row[1]!);
        return [.. users.Select(user => $"{user[0]} {user[1]} {user[2]} [{user[3]}] [{((string)user[2]! == "active" ? string.Join(' ', sessions[(string)user[0]!]) : "")}]")];
    }

    private static string Line(JsonElement user)
    {
        var memberships = user.GetProperty("memberships").EnumerateArray().Select(membership =>
            $"{membership.GetProperty("organizationId")}:{membership.GetProperty("role")}:{string.Join('+', membership.GetProperty("teams").EnumerateArray())}");
        var sessions = user.GetProperty("sessions").EnumerateArray().OrderBy(Id, StringComparer.Ordinal).Select(session =>
            $"{Id(session)}:{session.GetProperty("method")}:{session.GetProperty("impersonatedBy")}:{session.GetProperty("organizationId")}:{session.GetProperty("teamId")}:"
            // The address went with its user's key where they are erased by now.
            + $"{(user.GetProperty("isErased").GetBoolean() ? "127.0.0.1" : session.GetProperty("ipAddress"))}:{session.GetProperty("expiresAt").GetDateTimeOffset().ToUnixTimeSeconds()}");
        return $"{Id(user)} {string.Join(',', user.GetProperty("roles").EnumerateArray())} {user.GetProperty("status")} [{string.Join(' ', memberships)}] [{string.Join(' ', sessions)}]";
    }

    private static string Id(JsonElement element) => element.GetProperty("id").GetString()!;

    private async Task<IReadOnlyList<JsonElement>> AsOf(Browser admin, DateTimeOffset at)
    {
        var users = new List<JsonElement>();
        for (string? next = ""; next is not null;)
        {
            var page = await Get(admin, $"/api/audit/as-of?at={Text(at)}&limit=7&after={next}");
            Assert.True(page.GetProperty("isComplete").GetBoolean());
            users.AddRange(page.GetProperty("users").EnumerateArray());
            next = page.GetProperty("next").GetString();
        }

        return users;
    }

    private async Task<JsonElement> One(Browser admin, string id, DateTimeOffset at) =>
        Assert.Single((await Get(admin, $"/api/audit/as-of?at={Text(at)}&user={id}")).GetProperty("users").EnumerateArray());

    private async Task<JsonElement> Get(Browser admin, string url) => (await app.Scenario(_ => _.As(admin).Get.Url(url))).Json();

    private static string Text(DateTimeOffset time) => time.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss.fffffff'Z'", CultureInfo.InvariantCulture);

    /// <summary>What people do with their accounts, their sessions and their organizations, by chance.</summary>
    private sealed class History(AdministeredApp app, Random chance)
    {
        private const string Password = "a password of theirs";
        private static int people;

        private readonly List<(Browser Browser, string Id, string Email)> devices = [];
        private readonly List<(string Id, Browser Founder, string FounderId)> organizations = [];
        private Browser? admin;

        /// <summary>Acts that were not refused.</summary>
        public Dictionary<string, int> Done { get; } = [];

        public async Task Act()
        {
            // Everybody starts with an organization to act in.
            if (devices.Count < 3 || organizations.Count < 1)
            {
                await SignUp();
                await Found();
                return;
            }

            Func<Task>[] acts =
            [
                async () => await SignUp(), SignIn, SignIn, Found, Invite, Invite, Invite,
                () => Do("sign-out", new { }), () => Do("revoke-other-sessions", new { }), () => Do("revoke-sessions", new { }),
                () => Do("change-password", new { currentPassword = Password, newPassword = Password, revokeOtherSessions = true }),
                () => AsMember("organization/set-active"), () => AsMember("organization/set-active"), () => AsMember("organization/leave"),
                () => chance.Next(3) == 0 ? AsMember("organization/delete") : Found(),
                () => Member("organization/remove-member", member => new { memberIdOrEmail = member.Id, organizationId = member.Organization }),
                () => Member("organization/update-member-role", member => new { memberId = member.Id, role = Pick((string[])["admin", "member", "owner"]), organizationId = member.Organization }),
                () => Command("set-role", new { userId = Pick(devices).Id, role = Pick((string[])["user", "mentor", "mentee,pm"]).Split(',') }),
                () => Command("ban-user", new { userId = Pick(devices).Id, banReason = "spam" }),
                () => Command("ban-user", new { userId = Pick(devices).Id, banExpiresIn = 3600 }),
                () => Command("unban-user", new { userId = Pick(devices).Id }),
                () => Command("revoke-user-sessions", new { userId = Pick(devices).Id }),
                Impersonate,
                () => Command("stop-impersonating", new { }),
                () => chance.Next(3) == 0 ? Command("remove-user", new { userId = Pick(devices).Id }) : SignIn(),
                () => Pass(TimeSpan.FromMinutes(chance.Next(10, 100))),
                () => Pass(TimeSpan.FromHours(chance.Next(1, 5))),
                Invite, Invite, Invite, Use, Use, Use, Prune,
                () => Command("unban-user", new { userId = Pick(devices).Id }),
            ];
            await Pick(acts)();
        }

        public async Task<Browser> Admin()
        {
            if (admin is not null && (await app.Scenario(_ => _.As(admin).Get.Url("/api/auth/get-session"))).Json() is { ValueKind: JsonValueKind.Object } session
                && session.GetProperty("user").GetProperty("email").GetString() == AdministeredApp.Email)
                return admin;
            admin = app.Browser();
            await app.Scenario(_ => _.As(admin).Post.Json(new { email = AdministeredApp.Email, password = AdministeredApp.Password }).ToUrl("/api/auth/sign-in/email"));
            return admin;
        }

        public async Task<(Browser Browser, string Id)> SignUp()
        {
            var (browser, email) = (app.Browser(), $"person{Interlocked.Increment(ref people)}@example.com");
            var answer = await Post(browser, "sign-up/email", new { name = "Somebody", email, password = Password });
            var id = answer.Json().GetProperty("user").GetProperty("id").GetString()!;
            devices.Add((browser, id, email));
            return (browser, id);
        }

        private async Task SignIn()
        {
            var (browser, (_, id, email)) = (app.Browser(), Pick(devices));
            await Post(browser, "sign-in/email", new { email, password = Password, rememberMe = chance.Next(4) > 0 });
            devices.Add((browser, id, email));
        }

        private async Task Found()
        {
            var founder = Pick(devices);
            var answer = await Post(founder.Browser, "organization/create", new { name = "Some", slug = $"some-{Guid.NewGuid():N}" });
            if (answer.Status == 200)
                organizations.Add((answer.Json().GetProperty("id").GetString()!, founder.Browser, founder.Id));
        }

        private async Task Invite()
        {
            var ((id, host, _), guest) = (Pick(organizations), Pick(devices));
            var answer = await Post(host, "organization/invite-member", new { email = guest.Email, role = Pick((string[])["member", "admin"]), organizationId = id });
            if (answer.Status == 200)
                await Post(guest.Browser, "organization/accept-invitation", new { invitationId = answer.Json().GetProperty("id").GetString() });
        }

        private async Task Member(string act, Func<(string Id, string Organization), object> body)
        {
            var (organization, founder, founderId) = Pick(organizations);
            var members = await app.Sql("select id from identity.mt_doc_member where organization_id = $1 and user_id <> $2 order by id", organization, founderId);
            if (members.Count > 0)
                await Post(founder, act, body(((string)Pick(members)[0]!, organization)));
        }

        private async Task AsMember(string act)
        {
            var members = await app.Sql("select user_id, organization_id from identity.mt_doc_member order by id");
            if (members.Count == 0)
                return;
            var member = Pick(members);
            var theirs = devices.Where(device => device.Id == (string)member[0]!).ToList();
            if (theirs.Count > 0)
                await Post(Pick(theirs).Browser, act, new { organizationId = (string)member[1]! });
        }

        private async Task Impersonate()
        {
            await Command("impersonate-user", new { userId = Pick(devices).Id });
            // A browser that is somebody else now is one more device.
            admin = chance.Next(2) == 0 ? admin : null;
        }

        private async Task Use() => await app.Scenario(_ =>
        {
            _.As(Pick(devices).Browser).Get.Url("/api/auth/get-session");
            _.IgnoreStatusCode();
        });

        private async Task Prune()
        {
            await using var scope = app.Services.CreateAsyncScope();
            await scope.ServiceProvider.GetRequiredService<MediatR.IMediator>().Send(new Modular.Sessions.Contracts.PruneExpiredSessions(100));
        }

        private Task Pass(TimeSpan time)
        {
            app.Clock.Advance(time);
            return Task.CompletedTask;
        }

        private async Task Do(string act, object body) => await Post(Pick(devices).Browser, act, body);

        private async Task Command(string act, object body) => await Post(await Admin(), $"admin/{act}", body);

        private async Task<ScenarioResult> Post(Browser browser, string act, object body)
        {
            var answer = await Once(browser, act, body);
            // Whoever has been signed out signs in again and goes on.
            if (answer.Status == 401 && !act.StartsWith("sign-", StringComparison.Ordinal) && devices.Find(device => device.Browser == browser).Email is { } email)
                return await Post(browser, "sign-in/email", new { email, password = Password }) is { Status: 200 } ? await Once(browser, act, body) : answer;
            return answer;
        }

        private async Task<ScenarioResult> Once(Browser browser, string act, object body)
        {
            var answer = await app.Scenario(_ =>
            {
                _.As(browser).Post.Json(body).ToUrl($"/api/auth/{act}");
                _.IgnoreStatusCode();
            });
            Assert.True(answer.Status < 500, $"{act}: {answer.Body}");
            if (answer.Status == 200)
                Done[act] = Done.GetValueOrDefault(act) + 1;
            return answer;
        }

        private T Pick<T>(IReadOnlyList<T> some) => some[chance.Next(some.Count)];
    }
}
