using Microsoft.Extensions.DependencyInjection;
using Modular.Store;
using Modular.Testing;

namespace Modular.Identity.Tests;

/// <summary>A server with an administrator, which follows Clerk and which an Auth.js application speaks to.</summary>
public sealed class SyncedApp() : App(new()
{
    ["Admin:Email"] = AdminApp.Email,
    ["Admin:Password"] = People.Password,
    ["Clerk:WebhookSecret"] = Clerk.Secret,
    ["Adapter:ApiKey"] = AdapterApp.Key,
})
{
}

public sealed class UsersSyncTests(SyncedApp app) : IClassFixture<SyncedApp>
{
    // Member by member, and that the row was written by the transaction of the user's last event.
    private const string Different = """
        select coalesce(u.id, s.id) from identity.mt_doc_user u full join neon_auth.users_sync s on s.id = u.id
        where u.id is null or s.id is null or s.deleted_at is not null
            or (u.name, u.email, u.created_at, u.updated_at) is distinct from (s.name, s.email, s.created_at, s.updated_at)
            or (u.image, u.role, u.email_verified::text, u.banned::text, u.ban_reason, u.two_factor_enabled::text, u.username, u.display_username, u.is_anonymous::text, u.ban_expires)
                is distinct from (s.raw_json ->> 'image', s.raw_json ->> 'role', s.raw_json ->> 'emailVerified', s.raw_json ->> 'banned', s.raw_json ->> 'banReason',
                    s.raw_json ->> 'twoFactorEnabled', s.raw_json ->> 'username', s.raw_json ->> 'displayUsername', s.raw_json ->> 'isAnonymous', (s.raw_json ->> 'banExpires')::timestamptz)
            or u.data ->> 'linkedTo' is distinct from s.raw_json ->> 'linkedTo'
            or s.xmin::text::bigint <> (select max(e.xact::text::bigint) from identity.mt_events e where e.stream_id = u.id and e.type = any ($1))
        """;

    [Fact]
    public async Task Every_way_in_which_a_user_changes_is_in_the_row_by_the_same_transaction()
    {
        var root = await app.Root();
        var (ada, sent) = (await app.SignedUp(), "/api/auth/");
        await Same("sign-up");
        await As(ada, "update-user", new { name = "Ada L.", image = "https://example.com/a.png", username = "Ada_L" });
        await app.Post("/api/auth/send-verification-email", new() { ["email"] = ada.Email });
        await Open(await app.LinkTo(ada.Email));
        await Same("verify-email");
        await As(ada, "change-email", new { newEmail = "second." + ada.Email });
        await Open(await app.LinkTo("second." + ada.Email));
        await Same("change-email");
        await app.Act(root, "set-role", new { userId = ada.Id, role = "mentor" });
        await Same("set-role");
        await app.Act(root, "update-user", new { userId = ada.Id, data = new { name = "Ada M.", email = "third." + ada.Email } });
        await Same("admin/update-user");
        await app.Act(root, "ban-user", new { userId = ada.Id, banReason = "spam", banExpiresIn = 3600 });
        await Same("ban-user");
        await app.Act(root, "unban-user", new { userId = ada.Id });
        await Same("unban-user");
        var eve = await app.Protected();
        await Same("two-factor/verify-totp");
        await app.Factor(eve.Browser, "disable", new { password = People.Password });
        await Same("two-factor/disable");

        var guest = app.Browser();
        await app.Scenario(_ => _.As(guest).Post.Json(new { }).ToUrl(sent + "sign-in/anonymous"));
        await Same("sign-in/anonymous");
        await app.Scenario(_ => _.As(guest).Post.Json(People.SigningUp()).ToUrl(sent + "sign-up/email"));
        await Same("anonymous linked");
        var bob = await app.SignedUp();
        await app.SignInByCode(bob.Email, await app.Code(bob.Email, "sign-in"));
        await Same("sign-in/email-otp");
        var magic = await app.SignedUp();
        await app.Open(await app.MagicLink(magic.Email));
        await Same("magic-link/verify");
        await app.Act(root, "create-user", new { name = "Made", email = People.NewAddress(), password = People.Password, role = "pm" });
        await Same("create-user");

        var clerk = Clerk.Somebody();
        await app.Tell("user.created", clerk, 1000);
        await Same("clerk created");
        await app.Tell("user.updated", clerk with { Name = "New", Email = "new." + clerk.Email, Banned = true }, 2000);
        await Same("clerk updated");
        await app.Tell("user.deleted", clerk, 3000);
        await app.Act(root, "remove-user", new { userId = eve.Id });
        await As(await app.SignedUp(), "delete-user", new { password = People.Password });
        await Same("deleted");

        var visitor = (await app.Call("create-user", new { name = "By Auth.js", email = People.NewAddress(), emailVerified = "2026-01-01T00:00:00.000Z" }))
            .Json().GetProperty("data").GetProperty("id").GetString();
        await Same("adapter created");
        await app.Call("update-user", new { id = visitor, emailVerified = (string?)null });
        await Same("adapter unverified");

        // Nothing that changes a user was left out.
        var raised = (await app.Sql("select distinct type from identity.mt_events")).Select(row => (string)row[0]!).ToHashSet();
        Assert.Empty(Changing().Except(raised).Except(["user.purged.1"]));
    }

    [Fact]
    public async Task What_an_application_hangs_on_a_user_goes_with_them_and_leaves_no_orphan()
    {
        await app.Sql("""
            create table if not exists app_project (id int generated always as identity primary key, owner_id text not null references neon_auth.users_sync on delete cascade, title text);
            create table if not exists app_task (id int generated always as identity primary key, project_id int not null references app_project on delete cascade,
                assignee_id text references neon_auth.users_sync on delete set null)
            """);
        var (ada, eve) = (await app.SignedUp(), await app.SignedUp());
        await app.Sql("insert into app_project (owner_id, title) values ($1, 'hers'), ($2, 'his')", ada.Id, eve.Id);
        await app.Sql("insert into app_task (project_id, assignee_id) select id, $1 from app_project", ada.Id);

        Assert.Equal(2, await app.Count("select count(*) from app_task t join app_project p on p.id = t.project_id join neon_auth.users_sync u on u.id = t.assignee_id where u.email = $1", ada.Email));
        await As(ada, "delete-user", new { password = People.Password });
        Assert.Equal(0, await app.Count("select count(*) from app_project where owner_id = $1", ada.Id));
        Assert.Equal(1, await app.Count("select count(*) from app_task t join app_project p on p.id = t.project_id where p.owner_id = $1 and t.assignee_id is null", eve.Id));
        Assert.Equal(0, await app.Count("""
            select (select count(*) from app_project p left join neon_auth.users_sync u on u.id = p.owner_id where u.id is null)
                + (select count(*) from app_task t left join app_project p on p.id = t.project_id where p.id is null)
            """));
    }

    private static IEnumerable<Type> ChangingTypes() => typeof(User).GetMethods()
        .Where(method => method.Name is "Create" or "Apply" or "ShouldDelete")
        .Select(method => method.GetParameters()[0].ParameterType);

    private string[] Changing() =>
        [.. app.Services.GetRequiredService<EventCatalogue>().All.Where(type => ChangingTypes().Contains(type.StoredAs)).Select(type => type.Name)];

    private async Task Same(string after)
    {
        var different = await app.Sql(Different, (object)Changing());
        Assert.True(different.Count == 0, $"After {after}: {string.Join(", ", different.Select(row => row[0]))}");
    }

    private Task<ScenarioResult> As(Person person, string path, object body) => app.Scenario(_ => _.As(person.Browser).Post.Json(body).ToUrl("/api/auth/" + path));

    private Task<ScenarioResult> Open(string link) => app.Scenario(_ =>
    {
        _.Get.Url(link);
        _.IgnoreStatusCode();
    });
}

/// <summary>A server that keeps the rows of deleted users for a day.</summary>
public sealed class KeepingApp() : App(new() { ["Identity:PurgeAfter"] = "1.00:00:00", ["Admin:Email"] = AdminApp.Email, ["Admin:Password"] = People.Password })
{
}

public sealed class PurgeDeletedUsersTests(KeepingApp app) : IClassFixture<KeepingApp>
{
    [Fact]
    public async Task A_deleted_users_row_stays_for_its_time_without_anything_personal_and_then_goes_with_what_hangs_on_it()
    {
        await app.Sql("create table if not exists app_note (id int generated always as identity, user_id text not null references neon_auth.users_sync on delete cascade)");
        var ada = await app.SignedUp(("name", "Ada Ineradicable"), ("image", "https://example.com/a.png"));
        await app.Sql("insert into app_note (user_id) values ($1)", ada.Id);
        await app.Scenario(_ => _.As(ada.Browser).Post.Json(new { password = People.Password }).ToUrl("/api/auth/delete-user"));

        var row = Assert.Single(await app.Sql(
            "select name, email, raw_json - 'deletedAt', created_at is not null, deleted_at is not null and deleted_at = updated_at, raw_json ->> 'deletedAt' from neon_auth.users_sync where id = $1", ada.Id));
        Assert.Equal([null, null, $$"""{"id": "{{ada.Id}}"}""", true, true], row.Take(5));
        Assert.Equal(0, await app.Count("select count(*) from identity.mt_doc_user where id = $1", ada.Id));
        Assert.Equal(0, await app.Count("select count(*) from identity.mt_doc_account where user_id = $1", ada.Id));
        Assert.Equal(1, await app.Count("select count(*) from app_note where user_id = $1", ada.Id));
        await app.SignIn(ada.Email, status: 401);
        // The address is nobody's meanwhile.
        await app.SignedUp(("email", ada.Email));
        await Rebuilt();

        var sweep = app.Services.GetRequiredService<PurgeSweep>();
        app.Clock.Advance(TimeSpan.FromHours(23));
        Assert.Equal(0, await sweep.Sweep(default));
        app.Clock.Advance(TimeSpan.FromHours(2));
        var other = await app.AnotherNode();
        try
        {
            other.Clock.Advance(TimeSpan.FromHours(25));
            var swept = await Task.WhenAll(sweep.Sweep(default), other.Services.GetRequiredService<PurgeSweep>().Sweep(default));
            Assert.Equal(1, swept.Sum() ?? 0);
        }
        finally
        {
            await other.DisposeAsync();
        }

        Assert.Equal(0, await app.Count("select count(*) from neon_auth.users_sync where id = $1", ada.Id));
        Assert.Equal(0, await app.Count("select count(*) from app_note where user_id = $1", ada.Id));
        Assert.Equal(["user.registered.1", "user.deleted.1", "user.purged.1"], await app.EventsOf(ada.Id));
        await Rebuilt();
    }

    // Made again from the events the table is what it was.
    private async Task Rebuilt()
    {
        var result = await app.Services.GetRequiredService<ProjectionRebuild>().RebuildProjectionAsync("neon_auth.users_sync", compare: true);
        Assert.Equal(0, result.Different);
    }
}
