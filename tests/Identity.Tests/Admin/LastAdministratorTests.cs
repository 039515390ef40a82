using Modular.Testing;

namespace Modular.Identity.Tests;

public sealed class LastAdministratorTests(AdminApp app) : IClassFixture<AdminApp>
{
    [Fact]
    public async Task Somebody_is_always_an_administrator()
    {
        var root = await app.Root();
        Assert.Equal("LAST_ADMINISTRATOR", (await app.Act(root, "set-role", new { userId = root.Id, role = "user" }, 400)).Code());
        Assert.Equal("LAST_ADMINISTRATOR", (await app.Act(root, "update-user", new { userId = root.Id, data = new { role = "pm" } }, 400)).Code());
        Assert.Equal("YOU_CANNOT_REMOVE_YOURSELF", (await app.Act(root, "remove-user", new { userId = root.Id }, 400)).Code());
        var left = await app.Scenario(_ =>
        {
            _.As(root.Browser).Post.Json(new { password = People.Password }).ToUrl("/api/auth/delete-user");
            _.StatusCodeShouldBe(400);
        });
        Assert.Equal("LAST_ADMINISTRATOR", left.Code());
        await app.Act(root, "set-role", new { userId = root.Id, role = "admin,pm".Split(',') });
        Assert.Contains("last_administrator", await app.Reasons("admin.refused.1", root.Id));

        var other = await app.Made(root, "admin");
        await app.Act(root, "ban-user", new { userId = other.Id });
        Assert.Equal("LAST_ADMINISTRATOR", (await app.Act(root, "set-role", new { userId = root.Id, role = "user" }, 400)).Code());
        await app.Act(root, "unban-user", new { userId = other.Id });

        // Each takes from themselves, or from the other, at once: one stays.
        for (var round = 0; round < 4; round++)
        {
            var (first, second) = (await app.Root(), await app.SignedIn(other.Email));
            Task<ScenarioResult>[] acts = round % 2 == 0
                ? [app.Race(first, "/api/auth/admin/set-role", new { userId = first.Id, role = "user" }), app.Race(second, "/api/auth/admin/set-role", new { userId = second.Id, role = "user" })]
                : [app.Race(first, "/api/auth/admin/ban-user", new { userId = second.Id }), app.Race(second, "/api/auth/admin/ban-user", new { userId = first.Id })];
            var results = await Task.WhenAll(acts);
            Assert.Single(results, result => result.Status == 200);
            Assert.Equal(1, await app.Count("select count(*) from identity.mt_doc_user where role ~ 'admin' and not banned"));
            await app.Sql("update identity.mt_doc_user set role = 'admin', banned = false, data = data || '{\"role\":\"admin\",\"banned\":false}' where id in ($1, $2)", first.Id, second.Id);
        }
    }
}
