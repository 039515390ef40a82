using Modular.Testing;

namespace Modular.Identity.Tests;

public sealed class OwnRolesTests
{
    private static readonly DateTimeOffset Noon = new(2026, 1, 1, 12, 0, 0, TimeSpan.Zero);

    private static OrganizationAccess Acting(string role) =>
        new(new("o", "Acme", "acme", null, null, Noon), new("m", "o", "ada", role, Noon), OrganizationRoles.Default);

    private static CreateRole.Command Making(string role, string permission) => new("ada", "o", role, Permission.Parse(permission));

    [Theory]
    [InlineData("owner", "editor", """{"member":["create"]}""", null)]
    [InlineData("owner", "editor", """{"rocket":["launch"]}""", "INVALID_RESOURCE")]
    [InlineData("owner", "editor", """{"member":["fly"]}""", "YOU_ARE_NOT_ALLOWED_TO_CREATE_A_ROLE")]
    [InlineData("admin", "editor", """{"organization":["delete"]}""", "YOU_ARE_NOT_ALLOWED_TO_CREATE_A_ROLE")]
    [InlineData("admin", "owner", "{}", "ROLE_NAME_IS_ALREADY_TAKEN")]
    [InlineData("member", "editor", "{}", "YOU_ARE_NOT_ALLOWED_TO_CREATE_A_ROLE")]
    public void A_role_is_made_of_what_its_maker_holds(string actor, string name, string permission, string? code) =>
        Assert.Equal(code, CreateRole.Decide(Making(name, permission), Acting(actor), [], 10)?.Code);

    [Fact]
    public void What_is_missing_is_named() => Assert.Equal(
        ["organization:delete", "member:fly"],
        Permission.Parse("""{"organization":["update","delete"],"member":["create","fly"]}""").MissingOf(Acting("admin")));

    [Fact]
    public void No_more_roles_than_allowed() =>
        Assert.Equal("TOO_MANY_ROLES", CreateRole.Decide(Making("editor", "{}"), Acting("owner"), [], 0)?.Code);
}

public sealed class OwnRolesOverHttp(TeamApp app) : IClassFixture<TeamApp>
{
    [Fact]
    public async Task A_role_is_made_read_changed_and_deleted()
    {
        var acme = await Tenant.Founded(app);
        var made = (await acme.Post(acme.Owner, "create-role", new { role = "Editor", permission = new { member = Can("create") } })).Json();
        Assert.True(made.GetProperty("success").GetBoolean());
        var role = made.GetProperty("roleData");
        Assert.Equal("editor", role.GetProperty("role").GetString());
        Assert.Equal("""{"member":["create"]}""", role.GetProperty("permission").GetRawText());
        Assert.Equal("""{"member":["create"]}""", made.GetProperty("statements").GetRawText());
        var id = role.GetProperty("id").GetString();

        Assert.Equal($"[{role.GetRawText()}]", (await acme.Get(acme.Member, "list-roles")).Body);
        Assert.Equal(role.GetRawText(), (await acme.Get(acme.Member, "get-role?roleName=editor")).Body);
        Assert.Equal(role.GetRawText(), (await acme.Get(acme.Member, $"get-role?roleId={id}")).Body);

        var updated = (await acme.Post(acme.Admin, "update-role", new { roleName = "editor", data = new { permission = new { member = Can("create", "update") } } })).Json();
        Assert.Equal("""{"member":["create","update"]}""", updated.GetProperty("roleData").GetProperty("permission").GetRawText());
        await acme.Post(acme.Admin, "update-role", new { roleId = id, data = new { roleName = "Writer" } });
        Assert.Equal("""{"success":true}""", (await acme.Post(acme.Owner, "delete-role", new { roleName = "writer" })).Body);
        await acme.Refused(acme.Owner, "delete-role", new { roleName = "writer" }, 400, "ROLE_NOT_FOUND");
        Assert.Equal("editor", (await acme.Event("organization_role.created.1")).GetProperty("role").GetString());
        Assert.Equal("writer", (await acme.Event("organization_role.updated.1")).GetProperty("role").GetString());
        Assert.Equal(id, (await acme.Event("organization_role.deleted.1")).GetProperty("roleId").GetString());
    }

    [Fact]
    public async Task Nobody_gives_by_a_role_what_they_do_not_hold()
    {
        var acme = await Tenant.Founded(app);
        var refused = await acme.Post(acme.Admin, "create-role", new { role = "boss", permission = new { organization = Can("delete") } }, 403);
        Assert.Equal(
            """{"message":"You are not allowed to create a role","code":"YOU_ARE_NOT_ALLOWED_TO_CREATE_A_ROLE","missingPermissions":["organization:delete"]}""",
            refused.Body);
        await Make(acme, "editor", new { ac = Can("update") });
        await acme.GiveRole(acme.Member, "editor");
        var raised = await acme.Post(acme.Member, "update-role", new { roleName = "editor", data = new { permission = new { member = Can("delete"), ac = Can("update") } } }, 403);
        Assert.Equal(["member:delete"], raised.Json().GetProperty("missingPermissions").EnumerateArray().Select(missing => missing.GetString()));
        Assert.Equal("you_are_not_allowed_to_update_a_role", (await acme.Event("organization.act_refused.1")).GetProperty("reason").GetString());
    }

    [Fact]
    public async Task A_change_of_a_role_counts_at_once()
    {
        var acme = await Tenant.Founded(app);
        await Make(acme, "teamer", new { team = Can("create") });
        await acme.GiveRole(acme.Member, "member,teamer");
        await acme.Post(acme.Member, "create-team", new { name = "Mine" });
        await acme.Post(acme.Owner, "update-role", new { roleName = "teamer", data = new { permission = new { } } });
        await acme.Refused(acme.Member, "create-team", new { name = "Mine" }, 403, "YOU_ARE_NOT_ALLOWED_TO_CREATE_TEAMS_IN_THIS_ORGANIZATION");
    }

    [Theory]
    [InlineData("Owner", "ROLE_NAME_IS_ALREADY_TAKEN")]
    [InlineData("ADMIN", "ROLE_NAME_IS_ALREADY_TAKEN")]
    [InlineData("x,owner", "VALIDATION_ERROR")]
    [InlineData(" owner", "VALIDATION_ERROR")]
    [InlineData("", "VALIDATION_ERROR")]
    public async Task Names_that_stand_for_others_are_refused(string name, string code)
    {
        var acme = await Tenant.Founded(app);
        await acme.Refused(acme.Owner, "create-role", new { role = name, permission = new { } }, 400, code);
        await Make(acme, "editor", new { });
        await acme.Refused(acme.Owner, "create-role", new { role = "EDITOR", permission = new { } }, 400, "ROLE_NAME_IS_ALREADY_TAKEN");
        if (name.Length > 0)
            await acme.Refused(acme.Owner, "update-role", new { roleName = "editor", data = new { roleName = name } }, 400, code);
    }

    [Fact]
    public async Task A_role_that_is_held_is_neither_deleted_nor_renamed()
    {
        var acme = await Tenant.Founded(app);
        await Make(acme, "editor", new { });
        await acme.GiveRole(acme.Member, "member,editor");
        await acme.Refused(acme.Owner, "delete-role", new { roleName = "editor" }, 400, "ROLE_IS_ASSIGNED_TO_MEMBERS");
        await acme.Refused(acme.Owner, "update-role", new { roleName = "editor", data = new { roleName = "other" } }, 400, "ROLE_IS_ASSIGNED_TO_MEMBERS");
        await acme.Refused(acme.Owner, "delete-role", new { roleName = "owner" }, 400, "CANNOT_DELETE_A_PRE_DEFINED_ROLE");
        await acme.Refused(acme.Owner, "create-role", new { role = "x", permission = new { rocket = Can("launch") } }, 400, "INVALID_RESOURCE");
        Assert.Contains("[body]", (await acme.Post(null, "delete-role", new { }, 400)).Body, StringComparison.Ordinal);
        // A part of the name is not the name.
        await Make(acme, "edit", new { });
        await acme.Post(acme.Owner, "delete-role", new { roleName = "edit" });
    }

    [Fact]
    public async Task Of_fifty_who_make_a_role_at_once_only_as_many_get_through_as_fit_and_no_name_twice()
    {
        var acme = await Tenant.Founded(app);
        var answers = await Task.WhenAll(Enumerable.Range(0, 50).Select(at =>
            acme.Post(acme.Owner, "create-role", new { role = $"role{at % 10}", permission = new { } }, null)));
        Assert.Equal(4, answers.Count(answer => answer.Status == 200));
        Assert.Equal(4, await app.Count("select count(distinct role) from identity.mt_doc_organization_role where organization_id = $1", acme.Id));
        await acme.Refused(acme.Owner, "create-role", new { role = "another", permission = new { } }, 400, "TOO_MANY_ROLES");
    }

    [Fact]
    public async Task A_role_that_somebody_is_given_at_the_same_moment_stays()
    {
        for (var at = 0; at < 10; at++)
        {
            var acme = await Tenant.Founded(app);
            await Make(acme, "editor", new { });
            await Task.WhenAll(
                acme.Post(acme.Owner, "delete-role", new { roleName = "editor" }, null),
                // As whoever gives a role does: below the lock, and only one that exists.
                app.Sql($"""
                    do $$ begin
                        perform pg_advisory_xact_lock(hashtextextended('identity.organization/{acme.Id}', 0));
                        update identity.mt_doc_member set role = 'editor', data = jsonb_set(data, '{Quoted("role")}', '"editor"')
                        where user_id = '{acme.Member.Id}'
                            and exists (select from identity.mt_doc_organization_role where organization_id = '{acme.Id}' and role = 'editor');
                    end $$
                    """));
            var held = await app.Count("select count(*) from identity.mt_doc_member where organization_id = $1 and role = 'editor'", acme.Id);
            Assert.Equal(held, await app.Count("select count(*) from identity.mt_doc_organization_role where organization_id = $1", acme.Id));
        }

        static string Quoted(string name) => $"{{{name}}}";
    }

    private static string[] Can(params string[] actions) => actions;

    private static Task<ScenarioResult> Make(Tenant acme, string role, object permission) => acme.Post(acme.Owner, "create-role", new { role, permission });
}
