using Modular.Testing;

namespace Modular.Identity.Tests;

public sealed class AdminUsersTests(AdminApp app) : IClassFixture<AdminApp>
{
    [Fact]
    public async Task A_role_acts_at_once_on_open_sessions_and_unknown_ones_are_refused()
    {
        var (root, ada) = (await app.Root(), await app.SignedUp());
        Assert.Equal("YOU_ARE_NOT_ALLOWED_TO_LIST_USERS", (await app.Look(ada, "list-users", 403)).Code());
        Assert.Equal(["you_are_not_allowed_to_list_users"], await app.Reasons("admin.refused.1", ada.Id));

        Assert.Equal("mentor,pm", (await app.Act(root, "set-role", new { userId = ada.Id, role = "mentor,pm,pm".Split(',') })).Json().GetProperty("user").GetProperty("role").GetString());
        await app.Look(ada, "list-users");
        Assert.Equal("YOU_ARE_NOT_ALLOWED_TO_BAN_USERS", (await app.Act(ada, "ban-user", new { userId = root.Id }, 403)).Code());
        foreach (object wrong in (object[])["superadmin", "user,admin", "", "user,x".Split(','), Array.Empty<string>()])
            Assert.Equal("YOU_ARE_NOT_ALLOWED_TO_SET_NON_EXISTENT_VALUE", (await app.Act(root, "set-role", new { userId = ada.Id, role = wrong }, 400)).Code());
        Assert.Equal("VALIDATION_ERROR", (await app.Act(root, "set-role", new { userId = ada.Id, role = 5 }, 400)).Code());
        Assert.Equal("USER_NOT_FOUND", (await app.Act(root, "set-role", new { userId = "nope", role = "user" }, 404)).Code());
        Assert.Equal("USER_NOT_FOUND", (await app.Act(root, "set-role", new { role = "user" }, 404)).Code());

        await app.Act(root, "set-role", new { userId = ada.Id, role = "user" });
        await app.Look(ada, "list-users", 403);
    }

    [Fact]
    public async Task A_ban_ends_sessions_and_lasts_until_it_is_lifted()
    {
        var (root, ada) = (await app.Root(), await app.SignedUp());
        var banned = (await app.Act(root, "ban-user", new { userId = ada.Id, banReason = "spam", banExpiresIn = 3600 })).Json().GetProperty("user");
        Assert.Equal((true, "spam"), (banned.GetProperty("banned").GetBoolean(), banned.GetProperty("banReason").GetString()));
        Assert.Null(await app.Session(ada.Browser));
        Assert.Equal("BANNED_USER", (await app.SignIn(ada.Email, status: 403)).Code());

        Assert.Equal("No reason", (await app.Act(root, "ban-user", new { userId = ada.Id })).Json().GetProperty("user").GetProperty("banReason").GetString());
        var free = (await app.Act(root, "unban-user", new { userId = ada.Id })).Json().GetProperty("user");
        Assert.Equal("null", free.GetProperty("banReason").GetRawText());
        await app.SignIn(ada.Email);

        Assert.Equal("YOU_CANNOT_BAN_YOURSELF", (await app.Act(root, "ban-user", new { userId = root.Id }, 400)).Code());
        Assert.Equal("YOU_CANNOT_BAN_YOURSELF", (await app.Act(root, "update-user", new { userId = root.Id, data = new { banned = true } }, 400)).Code());
        Assert.Equal("VALIDATION_ERROR", (await app.Act(root, "ban-user", new { userId = ada.Id, banExpiresIn = 1e30 }, 400)).Code());
        Assert.Equal("VALIDATION_ERROR", (await app.Act(root, "ban-user", new { userId = ada.Id, banReason = new string('x', 70_000) }, 400)).Code());
    }

    [Fact]
    public async Task A_user_is_made_with_and_without_a_password_and_without_a_session()
    {
        var root = await app.Root();
        var email = People.NewAddress();
        var made = await app.Act(root, "create-user", new { email = email.ToUpperInvariant(), password = People.Password, name = "Made", role = "mentor", data = new { image = "http://img.test/m.png", emailVerified = true, foo = 1 } });
        var user = made.Json().GetProperty("user");
        Assert.Empty(made.SetCookies);
        Assert.Equal((email, "mentor", true), (user.GetProperty("email").GetString(), user.GetProperty("role").GetString(), user.GetProperty("emailVerified").GetBoolean()));
        await app.SignIn(email);
        Assert.Equal("USER_ALREADY_EXISTS_USE_ANOTHER_EMAIL", (await app.Act(root, "create-user", new { email, name = "Made" }, 400)).Code());

        var other = People.NewAddress();
        var id = (await app.Act(root, "create-user", new { email = other, name = "Other" })).Json().GetProperty("user").GetProperty("id").GetString()!;
        await app.SignIn(other, status: 401);
        await app.Act(root, "set-user-password", new { userId = id, newPassword = "another-horse-9" });
        await app.SignIn(other, "another-horse-9");

        Assert.Equal("INVALID_EMAIL", (await app.Act(root, "create-user", new { email = "no", name = "X" }, 400)).Code());
        Assert.Equal("PASSWORD_TOO_SHORT", (await app.Act(root, "create-user", new { email = People.NewAddress(), name = "X", password = "short" }, 400)).Code());
        Assert.Equal("INVALID_ROLE_TYPE", (await app.Act(root, "create-user", new { email = People.NewAddress(), name = "X", data = new { role = 5 } }, 400)).Code());
    }

    [Fact]
    public async Task Of_fifty_users_made_at_once_with_one_address_one_is_made()
    {
        var (root, email) = (await app.Root(), People.NewAddress());
        var results = await Task.WhenAll(Enumerable.Range(0, 50).Select(_ => app.Race(root, "/api/auth/admin/create-user", new { email, name = "Many" })));
        Assert.Single(results, result => result.Status == 200);
        Assert.All(results.Where(result => result.Status != 200), result => Assert.Equal("USER_ALREADY_EXISTS_USE_ANOTHER_EMAIL", result.Code()));
        Assert.Equal(1, await app.Count("select count(*) from identity.mt_doc_user where email = $1", email));
    }

    [Fact]
    public async Task Any_column_is_changed_and_open_sessions_show_it()
    {
        var (root, ada, eve) = (await app.Root(), await app.SignedUp(), await app.SignedUp());
        var email = People.NewAddress();
        var changed = (await app.Act(root, "update-user", new { userId = ada.Id, data = new { name = "Renamed", email = email.ToUpperInvariant(), role = "mentee" } })).Json();
        Assert.Equal(("Renamed", email, "mentee"), (changed.GetProperty("name").GetString(), changed.GetProperty("email").GetString(), changed.GetProperty("role").GetString()));
        Assert.Equal("Renamed", (await app.Session(ada.Browser))!.Value.GetProperty("user").GetProperty("name").GetString());
        Assert.True((await app.Act(root, "update-user", new { userId = ada.Id, data = new { emailVerified = true } })).Json().GetProperty("emailVerified").GetBoolean());
        await app.Settled();
        Assert.Contains(await app.MailsTo(ada.Email), mail => mail.Subject().Contains("address", StringComparison.OrdinalIgnoreCase));

        Assert.Equal("NO_DATA_TO_UPDATE", (await app.Act(root, "update-user", new { userId = ada.Id, data = new { } }, 400)).Code());
        Assert.Equal("PASSWORD_CANNOT_BE_UPDATED_VIA_UPDATE_USER", (await app.Act(root, "update-user", new { userId = ada.Id, data = new { password = "x" } }, 400)).Code());
        Assert.Equal("USER_ALREADY_EXISTS_USE_ANOTHER_EMAIL", (await app.Act(root, "update-user", new { userId = ada.Id, data = new { email = eve.Email } }, 400)).Code());
        Assert.Equal("INVALID_EMAIL", (await app.Act(root, "update-user", new { userId = ada.Id, data = new { email = "no" } }, 400)).Code());
        Assert.Equal("VALIDATION_ERROR", (await app.Act(root, "update-user", new { userId = ada.Id, data = new { name = 5 } }, 400)).Code());
        Assert.Equal("USER_NOT_FOUND", (await app.Act(root, "update-user", new { userId = "nope", data = new { name = "x" } }, 404)).Code());

        await app.Act(root, "update-user", new { userId = ada.Id, data = new { banned = true, banReason = "spam", banExpires = "2999-01-01T00:00:00.000Z" } });
        Assert.Null(await app.Session(ada.Browser));
        Assert.False((await app.Act(root, "update-user", new { userId = ada.Id, data = new { banned = false } })).Json().GetProperty("banned").GetBoolean());
    }

    [Fact]
    public async Task A_password_that_an_administrator_sets_ends_the_users_sessions_but_not_their_own()
    {
        var (root, ada) = (await app.Root(), await app.SignedUp());
        Assert.Equal("""{"status":true}""", (await app.Act(root, "set-user-password", new { userId = ada.Id, newPassword = "another-horse-9" })).Body);
        Assert.Null(await app.Session(ada.Browser));
        await app.SignIn(ada.Email, status: 401);
        await app.SignIn(ada.Email, "another-horse-9");
        var other = await app.Made(root, "admin");
        await app.Act(other, "set-user-password", new { userId = other.Id, newPassword = "another-horse-9" });
        Assert.NotNull(await app.Session(other.Browser));
        foreach (var (password, code) in ((string, string)[])[("short", "PASSWORD_TOO_SHORT"), (new string('x', 129), "PASSWORD_TOO_LONG"), ("", "VALIDATION_ERROR")])
            Assert.Equal(code, (await app.Act(root, "set-user-password", new { userId = ada.Id, newPassword = password }, 400)).Code());
        Assert.Equal("USER_NOT_FOUND", (await app.Act(root, "set-user-password", new { userId = "nope", newPassword = "another-horse-9" }, 404)).Code());
        await app.Settled();
        Assert.Contains(await app.MailsTo(ada.Email), mail => mail.Subject().Contains("password", StringComparison.OrdinalIgnoreCase));
    }

    [Fact]
    public async Task Sessions_are_listed_by_their_handles_and_ended_by_either_name()
    {
        var (root, ada) = (await app.Root(), await app.SignedUp());
        var phone = await app.SignedIn(ada.Email);
        var listed = (await app.Act(root, "list-user-sessions", new { userId = ada.Id })).Json().GetProperty("sessions").EnumerateArray().ToList();
        var tokens = new[] { ada, phone }.Select(person => person.Answer.GetProperty("token").GetString()!).ToArray();
        Assert.Equal(2, listed.Count);
        Assert.All(listed, session => Assert.DoesNotContain(session.GetProperty("token").GetString(), tokens));

        await app.Act(root, "revoke-user-session", new { sessionToken = listed[0].GetProperty("token").GetString() });
        Assert.Null(await app.Session(ada.Browser));
        await app.Act(root, "revoke-user-session", new { sessionToken = tokens[1] });
        Assert.Null(await app.Session(phone.Browser));
        Assert.Equal("""{"success":true}""", (await app.Act(root, "revoke-user-session", new { sessionToken = "nope" })).Body);

        var again = await app.SignedIn(ada.Email);
        await app.Act(root, "revoke-user-sessions", new { userId = ada.Id });
        Assert.Null(await app.Session(again.Browser));
        Assert.Empty((await app.Act(root, "list-user-sessions", new { userId = ada.Id })).Json().GetProperty("sessions").EnumerateArray());
    }

    [Fact]
    public async Task What_one_may_do_is_told_of_the_session_alone()
    {
        var root = await app.Root();
        var (pm, ada) = (await app.Made(root, "user"), await app.SignedUp());
        await app.Act(root, "set-role", new { userId = pm.Id, role = "pm" });
        var listing = new { permissions = new { user = "list".Split(','), session = "list".Split(',') }, role = "admin", userId = root.Id };
        Assert.Equal("""{"error":null,"success":true}""", (await app.Act(root, "has-permission", listing)).Body);
        Assert.Equal("""{"error":null,"success":true}""", (await app.Act(pm, "has-permission", listing)).Body);
        Assert.Equal("""{"error":null,"success":false}""", (await app.Act(ada, "has-permission", listing)).Body);
        Assert.Equal("""{"error":null,"success":false}""", (await app.Act(pm, "has-permission", new { permissions = new { user = "list,ban".Split(',') } })).Body);
        Assert.Equal("""{"message":"invalid permission check. no permission(s) were passed."}""", (await app.Act(ada, "has-permission", new { permission = new { user = "ban".Split(',') } }, 400)).Body);
        Assert.Equal("VALIDATION_ERROR", (await app.Act(ada, "has-permission", new { }, 400)).Code());
    }
}

public sealed class AdminGroupOffTests(AdminGroupOffTests.OffApp app) : IClassFixture<AdminGroupOffTests.OffApp>
{
    public sealed class OffApp : App
    {
        public OffApp()
            : base(new() { ["Auth:Groups:admin"] = "false" })
        {
        }
    }

    [Fact]
    public async Task Without_the_group_its_routes_are_not_there()
    {
        var ada = await app.SignedUp();
        Assert.Equal("", (await app.Look(ada, "list-users", 404)).Body);
        Assert.Equal("", (await app.Act(ada, "set-role", new { userId = ada.Id, role = "admin" }, 404)).Body);
    }
}
