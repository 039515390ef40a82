using Modular.Testing;

namespace Modular.Identity.Tests;

public sealed class TeamsOverHttp(TeamApp app) : IClassFixture<TeamApp>
{
    [Fact]
    public async Task A_team_is_made_renamed_listed_and_removed()
    {
        var acme = await Tenant.Founded(app);
        var made = (await acme.Post(acme.Owner, "create-team", new { name = "Dev" })).Json();
        var id = made.GetProperty("id").GetString()!;
        Assert.Equal(("Dev", acme.Id), (made.GetProperty("name").GetString(), made.GetProperty("organizationId").GetString()));
        Assert.Equal(made.GetProperty("createdAt").GetString(), made.GetProperty("updatedAt").GetString());

        var renamed = (await acme.Post(acme.Admin, "update-team", new { teamId = id, data = new { name = "Dev2" } })).Json();
        Assert.Equal("Dev2", renamed.GetProperty("name").GetString());
        Assert.Equal(["Acme", "Dev2"], (await acme.Get(acme.Member, "list-teams")).Json().EnumerateArray().Select(team => team.GetProperty("name").GetString()).Order());

        Assert.Equal("""{"message":"Team removed successfully."}""", (await acme.Post(acme.Admin, "remove-team", new { teamId = id })).Body);
        await acme.Refused(acme.Admin, "remove-team", new { teamId = id }, 400, "TEAM_NOT_FOUND");
        await acme.Refused(acme.Admin, "remove-team", new { teamId = acme.TeamId }, 400, "UNABLE_TO_REMOVE_LAST_TEAM");
        Assert.Equal(id, (await acme.Event("team.created.1")).GetProperty("teamId").GetString());
        Assert.Equal("Dev2", (await acme.Event("team.updated.1")).GetProperty("name").GetString());
        Assert.Equal(id, (await acme.Event("team.removed.1")).GetProperty("teamId").GetString());
        Assert.Equal("unable_to_remove_last_team", (await acme.Event("organization.act_refused.1")).GetProperty("reason").GetString());
    }

    [Fact]
    public async Task Members_of_a_team_come_and_go()
    {
        var acme = await Tenant.Founded(app);
        var id = await acme.NewTeam();
        var body = new { teamId = id, userId = acme.Member.Id };
        var added = (await acme.Post(acme.Owner, "add-team-member", body)).Body;
        Assert.Equal(added, (await acme.Post(acme.Owner, "add-team-member", body)).Body);
        Assert.Equal($"[{added}]", (await acme.Get(acme.Member, $"list-team-members?teamId={id}")).Body);
        Assert.Equal("Dev", Assert.Single((await acme.Get(acme.Member, "list-user-teams")).Json().EnumerateArray()).GetProperty("name").GetString());
        Assert.Single((await acme.Get(acme.Owner, $"list-user-teams?userId={acme.Member.Id}")).Json().EnumerateArray());

        Assert.Contains("Dev", (await acme.Post(acme.Member, "set-active-team", new { teamId = id })).Body, StringComparison.Ordinal);
        Assert.Equal(id, (await acme.Session(acme.Member)).GetProperty("activeTeamId").GetString());
        Assert.Equal($"[{added}]", (await acme.Get(acme.Member, "list-team-members")).Body);

        Assert.Equal("""{"message":"Team member removed successfully."}""", (await acme.Post(acme.Owner, "remove-team-member", body)).Body);
        Assert.Null((await acme.Session(acme.Member)).GetProperty("activeTeamId").GetString());
        await acme.Refused(acme.Owner, "remove-team-member", body, 400, "USER_IS_NOT_A_MEMBER_OF_THE_TEAM");
        await acme.Refused(acme.Member, "set-active-team", new { teamId = id }, 403, "USER_IS_NOT_A_MEMBER_OF_THE_TEAM");
        Assert.Equal(acme.Member.Id, (await acme.Event("team.member_added.1")).GetProperty("userId").GetString());
        Assert.Equal(acme.Member.Id, (await acme.Event("team.member_removed.1")).GetProperty("userId").GetString());
    }

    [Fact]
    public async Task A_removed_team_is_active_nowhere_and_in_no_invitation()
    {
        var acme = await Tenant.Founded(app);
        var (id, other) = (await acme.NewTeam(), await acme.NewTeam("Ops"));
        await acme.Post(acme.Owner, "add-team-member", new { teamId = id, userId = acme.Member.Id });
        await acme.Post(acme.Member, "set-active-team", new { teamId = id });
        foreach (var (email, teams) in new[] { ("a@example.com", $"{id},{other}"), ("b@example.com", id) })
        {
            await app.Sql(
                """
                insert into identity.mt_doc_invitation (id, data, mt_last_modified, mt_version, organization_id, email, status, expires_at, inviter_id)
                values ($1, jsonb_build_object('teamId', $2::text), now(), 1, $3, $4, 'pending', now() + interval '1 day', 'x')
                """,
                Guid.NewGuid().ToString("N"), teams, acme.Id, email);
        }

        await acme.Post(acme.Owner, "remove-team", new { teamId = id });
        Assert.Null((await acme.Session(acme.Member)).GetProperty("activeTeamId").GetString());
        Assert.Equal(acme.Id, (await acme.Session(acme.Member)).GetProperty("activeOrganizationId").GetString());
        Assert.Equal(0, await app.Count("select count(*) from identity.mt_doc_team_member where team_id = $1", id));
        Assert.Equal(
            [other, null],
            (await app.Sql("select data ->> 'teamId' from identity.mt_doc_invitation where organization_id = $1 order by email", acme.Id)).Select(row => row[0]));
    }

    [Fact]
    public async Task The_team_that_one_acts_in_stays()
    {
        var acme = await Tenant.Founded(app);
        await acme.NewTeam();
        await acme.Post(acme.Owner, "set-active-team", new { teamId = acme.TeamId });
        await acme.Refused(acme.Owner, "remove-team", new { teamId = acme.TeamId }, 403, "YOU_ARE_NOT_ALLOWED_TO_DELETE_THIS_TEAM");
        Assert.Equal("null", (await acme.Post(acme.Owner, "set-active-team", new { teamId = (string?)null })).Body);
        Assert.Null((await acme.Session(acme.Owner)).GetProperty("activeTeamId").GetString());
        await acme.Post(acme.Owner, "remove-team", new { teamId = acme.TeamId });
    }

    [Fact]
    public async Task Of_fifty_who_make_a_team_at_once_on_two_nodes_only_as_many_get_through_as_fit()
    {
        var acme = await Tenant.Founded(app);
        await using var node = new Node(await app.AnotherNode());
        var answers = await Task.WhenAll(Enumerable.Range(0, 50).Select(at => Try(at % 2 == 0 ? acme : acme with { App = node.App })));
        Assert.Equal(6, await acme.Teams());
        Assert.Equal(5, answers.Count(answer => answer.Status == 200));
        Assert.All(answers.Where(answer => answer.Status != 200), answer => Assert.Contains(answer.Status, (int[])[400, 409, 503]));

        static Task<ScenarioResult> Try(Tenant acme) =>
            acme.App.Scenario(_ =>
            {
                _.WithRequestHeader("Cookie", acme.Owner.Browser.CookieHeader);
                _.WithRequestHeader("Origin", acme.App.Url);
                _.Post.Json(new { name = "Many" }).ToUrl("/api/auth/organization/create-team");
                _.IgnoreStatusCode();
            });
    }

    [Fact]
    public async Task Removing_all_teams_at_once_leaves_one()
    {
        var acme = await Tenant.Founded(app);
        string[] teams = [acme.TeamId, await acme.NewTeam("A"), await acme.NewTeam("B"), await acme.NewTeam("C")];
        await Task.WhenAll(Enumerable.Range(0, 50).Select(at => acme.Post(acme.Admin, "remove-team", new { teamId = teams[at % 4] }, null)));
        Assert.Equal(1, await acme.Teams());
    }

    [Fact]
    public async Task A_team_takes_no_more_than_it_holds_and_nobody_twice()
    {
        var acme = await Tenant.Founded(app);
        var id = await acme.NewTeam();
        var people = new List<Person> { acme.Owner, acme.Admin, acme.Member };
        for (var at = 0; at < 3; at++)
        {
            people.Add(await app.SignedUp());
            await acme.Join(people[^1], "member");
        }

        await Task.WhenAll(Enumerable.Range(0, 50).Select(at =>
            acme.Post(acme.Owner, "add-team-member", new { teamId = id, userId = people[at % 6].Id }, null)));
        Assert.Equal(3, await app.Count("select count(*) from identity.mt_doc_team_member where team_id = $1", id));
        var full = await Task.WhenAll(people.Select(person => acme.Post(acme.Owner, "add-team-member", new { teamId = id, userId = person.Id }, null)));
        Assert.Equal(3, full.Count(answer => answer.Status == 200));
        Assert.Equal(3, full.Count(answer => answer.Body.Contains("TEAM_MEMBER_LIMIT_REACHED", StringComparison.Ordinal)));
    }

    [Fact]
    public async Task Who_is_no_member_any_more_is_in_no_team_also_when_both_happen_at_once()
    {
        for (var at = 0; at < 10; at++)
        {
            var acme = await Tenant.Founded(app);
            await Task.WhenAll(
                acme.Post(acme.Owner, "add-team-member", new { teamId = acme.TeamId, userId = acme.Member.Id }, null),
                app.Sql("delete from identity.mt_doc_member where user_id = $1", acme.Member.Id));
            Assert.Equal(0, await app.Count("select count(*) from identity.mt_doc_team_member where user_id = $1", acme.Member.Id));
        }
    }

    [Fact]
    public async Task Teams_of_another_organization_do_not_exist()
    {
        var (acme, other) = (await Tenant.Founded(app), await Tenant.Founded(app));
        await acme.Refused(acme.Owner, "update-team", new { teamId = other.TeamId, data = new { name = "Mine" } }, 400, "TEAM_NOT_FOUND");
        await acme.Refused(acme.Owner, "remove-team", new { teamId = other.TeamId }, 400, "TEAM_NOT_FOUND");
        await acme.Refused(acme.Owner, "set-active-team", new { teamId = other.TeamId }, 400, "TEAM_NOT_FOUND");
        await acme.Refused(acme.Owner, "add-team-member", new { teamId = other.TeamId, userId = acme.Member.Id }, 400, "TEAM_NOT_FOUND");
        await acme.Refused(acme.Owner, "add-team-member", new { teamId = acme.TeamId, userId = other.Member.Id }, 400, "USER_IS_NOT_A_MEMBER_OF_THE_ORGANIZATION");
        await acme.Refused(acme.Owner, "update-team", new { teamId = other.TeamId, data = new { name = "Mine", organizationId = other.Id } }, 403, "YOU_ARE_NOT_ALLOWED_TO_UPDATE_THIS_TEAM");
        Assert.Equal(400, (await acme.Get(acme.Owner, $"list-team-members?teamId={other.TeamId}", 400)).Status);
        Assert.Equal(1, await app.Count("select count(*) from identity.mt_doc_team where id = $1 and data ->> 'name' = 'Acme'", other.TeamId));
    }

    [Fact]
    public async Task Input_that_is_wrong_is_refused_before_anybody_is_asked_who_they_are()
    {
        var nobody = await Tenant.Founded(app);
        Assert.Contains("[body.name]", (await nobody.Post(null, "create-team", new { }, 400)).Body, StringComparison.Ordinal);
        Assert.Contains("[body.data.name]", (await nobody.Post(null, "update-team", new { teamId = "x", data = new { name = 1 } }, 400)).Body, StringComparison.Ordinal);
        Assert.Equal("", (await nobody.Post(null, "create-team", new { name = "X" }, 401)).Body);
        await nobody.Refused(null, "add-team-member", new { teamId = "x", userId = "y" }, 401, "UNAUTHORIZED");
    }

    private sealed class Node(App app) : IAsyncDisposable
    {
        public App App => app;

        public async ValueTask DisposeAsync() => await app.DisposeAsync();
    }
}
