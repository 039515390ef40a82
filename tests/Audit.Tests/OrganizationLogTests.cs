using System.Text.Json;
using Modular.Testing;

namespace Modular.Audit.Tests;

public sealed class OrganizationLogTests(AdministeredApp app) : IClassFixture<AdministeredApp>
{
    [Fact]
    public async Task Owners_and_admins_read_their_organization_and_nobody_else_does()
    {
        var (owner, _) = await Person("olga");
        var (admin, adminId) = await Person("adam");
        var (member, _) = await Person("mia");
        var (stranger, _) = await Person("sam");
        var organization = await Found(owner, "acme");
        var other = await Found(stranger, "other");
        await Join(owner, organization, admin, "adam", "admin");
        await Join(owner, organization, member, "mia", "member");
        // What a member does with their own account is not the organization's.
        await Post(member, "change-password", new { currentPassword = "a password of theirs", newPassword = "another of theirs" });
        await Post(member, "organization/update", new { organizationId = organization, data = new { name = "Mine" } }, 403);
        await app.Settled();

        var entries = await Entries(owner, organization);
        var types = entries.Select(e => e.GetProperty("type").GetString()!).ToList();
        Assert.Contains("organization.created.1", types);
        Assert.Equal(3, types.Count(type => type == "organization.member_added.1"));
        Assert.Contains("organization.act_refused.1", types);
        Assert.All(types, type => Assert.True(type.StartsWith("organization", StringComparison.Ordinal) || type.StartsWith("team.", StringComparison.Ordinal)));
        Assert.All(entries, e => Assert.Equal(organization, e.GetProperty("data").GetProperty("organizationId").GetString()));

        // From where others acted is not shown, and cannot be looked for.
        var ids = await app.Sql("select user_id, role from identity.mt_doc_member where organization_id = $1", organization);
        var ownerId = (string)ids.Single(row => (string)row[1]! == "owner")[0]!;
        Assert.All(entries, e => Assert.Equal(e.GetProperty("actor").GetString() == ownerId, e.GetProperty("ip").ValueKind != JsonValueKind.Null));
        Assert.Equal(entries.Count, (await Entries(owner, organization, "ip=203.0.113.1&userAgent=nothing&session=x&q=zebra")).Count);
        Assert.Equal(entries.Count, (await Entries(admin, organization)).Count);
        // Nor can the filter be widened.
        Assert.Equal(entries.Count, (await Entries(admin, organization, $"organization={other}")).Count);
        Assert.Equal(1, (await app.Scenario(_ => _.As(admin).Get.Url($"/api/audit/organizations/{organization}/entries?type=organization.created.1&count=true"))).Json().GetProperty("count").GetInt64());
        var histogram = (await app.Scenario(_ => _.As(admin).Get.Url($"/api/audit/organizations/{organization}/histogram"))).Json();
        Assert.Equal(entries.Count, histogram.GetProperty("count").GetInt64());

        foreach (var browser in new[] { member, stranger })
        {
            await Refused(browser, $"/api/audit/organizations/{organization}/entries", 403, "not_an_organization_admin");
            await Refused(browser, $"/api/audit/organizations/{organization}/histogram", 403, "not_an_organization_admin");
        }

        await Refused(owner, "/api/audit/organizations/nothing/entries", 403, "not_an_organization_admin");
        await Refused(app.Browser(), $"/api/audit/organizations/{organization}/entries", 401, "unauthorized");

        // At once, when the role is lost.
        var memberId = (string)(await app.Sql("select id from identity.mt_doc_member where organization_id = $1 and user_id = $2", organization, adminId))[0][0]!;
        await Post(owner, "organization/update-member-role", new { memberId, role = "member", organizationId = organization });
        await Refused(admin, $"/api/audit/organizations/{organization}/entries", 403, "not_an_organization_admin");

        // An administrator of the server reads it all, with addresses.
        var root = app.Browser();
        await Post(root, "sign-in/email", new { email = AdministeredApp.Email, password = AdministeredApp.Password });
        Assert.All(await Entries(root, organization), e => Assert.Equal("127.0.0.1", e.GetProperty("ip").GetString()));
    }

    private async Task<(Browser Browser, string Id)> Person(string name)
    {
        var browser = app.Browser();
        var answer = await Post(browser, "sign-up/email", new { name, email = $"{name}@example.com", password = "a password of theirs" });
        return (browser, answer.Json().GetProperty("user").GetProperty("id").GetString()!);
    }

    private async Task<string> Found(Browser founder, string slug) =>
        (await Post(founder, "organization/create", new { name = slug, slug })).Json().GetProperty("id").GetString()!;

    private async Task Join(Browser owner, string organizationId, Browser guest, string name, string role)
    {
        var invitation = await Post(owner, "organization/invite-member", new { email = $"{name}@example.com", role, organizationId });
        await Post(guest, "organization/accept-invitation", new { invitationId = invitation.Json().GetProperty("id").GetString() });
    }

    private Task<ScenarioResult> Post(Browser browser, string act, object body, int status = 200) => app.Scenario(_ =>
    {
        _.As(browser).Post.Json(body).ToUrl($"/api/auth/{act}");
        _.StatusCodeShouldBe(status);
    });

    private async Task<IReadOnlyList<JsonElement>> Entries(Browser reader, string organization, string query = "") =>
        [.. (await app.Scenario(_ => _.As(reader).Get.Url($"/api/audit/organizations/{organization}/entries?limit=200&{query}"))).Json().GetProperty("entries").EnumerateArray()];

    private async Task Refused(Browser browser, string url, int status, string code)
    {
        var answer = await app.Scenario(_ =>
        {
            _.As(browser).Get.Url(url);
            _.StatusCodeShouldBe(status);
        });
        Assert.Equal(code, answer.Json().GetProperty("code").GetString());
    }
}
