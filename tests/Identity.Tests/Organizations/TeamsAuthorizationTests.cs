using Modular.Testing;

namespace Modular.Identity.Tests;

/// <summary>Who is answered what on the routes of teams and of roles of an organization's own.</summary>
public sealed class TeamsAuthorizationTests(App app) : IClassFixture<App>
{
    // Signed out, a user, the owner of another organization, an administrator of the server; then of this organization a
    // member, an admin and the owner.
    [Theory]
    [InlineData("create-team", 401, 403, 403, 403, 403, 200, 200)]
    [InlineData("list-teams", 401, 403, 403, 403, 200, 200, 200)]
    [InlineData("update-team", 401, 403, 403, 403, 403, 200, 200)]
    [InlineData("remove-team", 401, 403, 403, 403, 403, 200, 200)]
    [InlineData("set-active-team", 401, 400, 400, 400, 403, 403, 200)]
    [InlineData("list-user-teams", 401, 403, 403, 403, 200, 200, 200)]
    [InlineData("list-user-teams of another", 401, 403, 403, 403, 403, 200, 200)]
    [InlineData("list-team-members", 401, 400, 400, 400, 400, 400, 200)]
    [InlineData("add-team-member", 401, 400, 400, 400, 403, 200, 200)]
    [InlineData("remove-team-member", 401, 400, 400, 400, 403, 200, 200)]
    [InlineData("create-role", 401, 403, 403, 403, 403, 200, 200)]
    [InlineData("list-roles", 401, 403, 403, 403, 200, 200, 200)]
    [InlineData("get-role", 401, 403, 403, 403, 200, 200, 200)]
    [InlineData("update-role", 401, 403, 403, 403, 403, 200, 200)]
    [InlineData("delete-role", 401, 403, 403, 403, 403, 200, 200)]
    public async Task Everybody_is_answered_by_what_they_are(
        string route, int signedOut, int user, int other, int administrator, int member, int admin, int owner)
    {
        var (acme, theirs) = (await Tenant.Founded(app), await Tenant.Founded(app));
        var boss = await app.SignedUp();
        await app.Sql("update identity.mt_doc_user set role = 'admin', data = jsonb_set(data, '{role}', '\"admin\"') where id = $1", boss.Id);
        List<int> answers = [];
        foreach (var person in new[] { null, await app.SignedUp(), theirs.Owner, boss, acme.Member, acme.Admin, acme.Owner })
            answers.Add((await Ask(acme, person, route, $"n{answers.Count}")).Status);
        Assert.Equal([signedOut, user, other, administrator, member, admin, owner], answers);
    }

    private static async Task<ScenarioResult> Ask(Tenant acme, Person? person, string route, string name)
    {
        var organizationId = acme.Id;
        switch (route)
        {
            case "create-team":
                return await acme.Post(person, route, new { name, organizationId }, null);
            case "update-team":
                return await acme.Post(person, route, new { teamId = acme.TeamId, data = new { name, organizationId } }, null);
            case "remove-team":
                return await acme.Post(person, route, new { teamId = await acme.NewTeam(name), organizationId }, null);
            case "set-active-team":
                return await acme.Post(person, route, new { teamId = acme.TeamId }, null);
            case "list-team-members":
                return await acme.Get(person, $"{route}?teamId={acme.TeamId}", null);
            case "list-user-teams of another":
                return await acme.Get(person, $"list-user-teams?organizationId={organizationId}&userId={(person == acme.Admin ? acme.Member : acme.Admin).Id}", null);
            case "add-team-member" or "remove-team-member":
                var place = new { teamId = acme.TeamId, userId = acme.Member.Id, organizationId };
                if (route.StartsWith("remove", StringComparison.Ordinal))
                    await acme.Post(acme.Owner, "add-team-member", place);
                return await acme.Post(person, route, place, null);
            case "create-role":
                return await acme.Post(person, route, new { role = name, permission = new { }, organizationId }, null);
            case "get-role" or "update-role" or "delete-role":
                await acme.Post(acme.Owner, "create-role", new { role = name, permission = new { }, organizationId });
                return route == "get-role"
                    ? await acme.Get(person, $"{route}?roleName={name}&organizationId={organizationId}", null)
                    : await acme.Post(person, route, new { roleName = name, data = new { permission = new { } }, organizationId }, null);
            default:
                return await acme.Get(person, $"{route}?organizationId={organizationId}", null);
        }
    }
}

public sealed class TeamsSwitchedOff(TeamsSwitchedOff.Server app) : IClassFixture<TeamsSwitchedOff.Server>
{
    public sealed class Server() : App(new() { ["Auth:Groups:organization"] = "false" });

    [Fact]
    public async Task With_the_group_off_its_routes_are_unknown()
    {
        var ada = await app.SignedUp();
        foreach (var path in (string[])["create-team", "remove-team", "set-active-team", "create-role", "delete-role"])
        {
            var answer = await app.Scenario(_ =>
            {
                _.As(ada.Browser).Post.Json(new { name = "x", teamId = "x", role = "x", roleName = "x", permission = new { } }).ToUrl($"/api/auth/organization/{path}");
                _.StatusCodeShouldBe(404);
            });
            Assert.Equal("", answer.Body);
        }
    }
}
