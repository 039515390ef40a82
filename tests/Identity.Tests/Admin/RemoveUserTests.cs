namespace Modular.Identity.Tests;

public sealed class RemoveUserTests(AdminApp app) : IClassFixture<AdminApp>
{
    [Fact]
    public async Task Whatever_a_user_does_while_they_are_removed_nothing_of_them_is_left()
    {
        var root = await app.Root();
        for (var round = 0; round < 3; round++)
        {
            var ada = await app.SignedUp();
            await app.Settled();
            (string Path, object Body)[] acts =
            [
                ("update-user", new { name = "Ada Two" }), ("update-user", new { image = "http://img.test/a.png" }),
                ("change-password", new { currentPassword = People.Password, newPassword = "another-horse-9" }),
                ("sign-in/email", new { email = ada.Email, password = People.Password }), ("sign-in/email", new { email = ada.Email, password = People.Password }),
                ("sign-in/email", new { email = ada.Email, password = "another-horse-9" }), ("request-password-reset", new { email = ada.Email }),
                ("send-verification-email", new { email = ada.Email }), ("change-email", new { newEmail = People.NewAddress() }), ("revoke-sessions", new { }),
                ("revoke-other-sessions", new { }), ("verify-password", new { password = People.Password }), ("sign-out", new { }),
            ];
            var requests = acts.Concat(acts).Take(20).Select(act => app.Race(ada, $"/api/auth/{act.Path}", act.Body))
                .Append(app.Race(root, "/api/auth/admin/impersonate-user", new { userId = ada.Id }))
                .Append(app.Race(root, "/api/auth/admin/set-role", new { userId = ada.Id, role = "pm" })).ToList();
            var removed = await app.Race(root, "/api/auth/admin/remove-user", new { userId = ada.Id });
            var results = await Task.WhenAll(requests);
            if (removed.Status != 200)
                await app.Act(root, "remove-user", new { userId = ada.Id });
            Assert.True(removed.Status is 200 or 409, $"{removed.Status} {removed.Body}");
            Assert.All(results, result => Assert.True(result.Status < 500, $"{result.Response.RequestMessage!.RequestUri} {result.Status} {result.Body}"));
            await app.Settled();
            foreach (var query in (string[])
            [
                "select count(*) from identity.mt_doc_user where id = $1", "select count(*) from identity.mt_doc_account where user_id = $1",
                "select count(*) from identity.mt_doc_verification where user_id = $1", "select count(*) from neon_auth.users_sync where id = $1",
                "select count(*) from sessions.mt_doc_session where user_id = $1", "select count(*) from profiles.mt_doc_profile where id = $1",
                "select count(*) from store.subject_keys where subject = $1 and wrapped is not null",
            ])
                Assert.True(await app.Count(query, ada.Id) == 0, query);
        }

        Assert.Equal("USER_NOT_FOUND", (await app.Act(root, "remove-user", new { userId = "nope" }, 404)).Code());
    }
}
