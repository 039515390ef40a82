using Modular.Testing;

namespace Modular.Identity.Tests;

public sealed class TenancyTests(App app) : IClassFixture<App>
{
    [Theory]
    [InlineData("X-Organization-ID")]
    [InlineData("X-Tenant-ID")]
    public async Task A_request_acts_in_the_organization_that_it_names_and_the_answer_says_so(string header)
    {
        var ada = await app.SignedUp();
        var (first, second) = (await app.Founds(ada), await app.Founds(ada));
        var answer = await Ask(ada, "/api/auth/organization/get-active-member", header, first, 200);
        Assert.Equal(first, answer.Json().Text("organizationId"));
        Assert.Equal(first, answer.Header("X-Organization-ID"));
        Assert.Equal(second, (await app.SessionOf(ada)).Text("activeOrganizationId"));
    }

    [Fact]
    public async Task Every_route_refuses_an_organization_that_is_not_the_users()
    {
        var (ada, eve) = (await app.SignedUp(), await app.SignedUp());
        var id = await app.Founds(ada);
        Assert.Equal("YOU_ARE_NOT_A_MEMBER_OF_THIS_ORGANIZATION", (await Ask(eve, "/api/auth/get-session", "X-Organization-ID", id, 403)).Code());
        Assert.Equal("not_a_member", (await Ask(eve, "/api/profiles/me", "X-Organization-ID", id, 403)).Code());
        Assert.Equal(id, (await Ask(ada, "/api/auth/get-session", "X-Organization-ID", id, 200)).Header("X-Organization-ID"));
        Assert.Equal("YOU_ARE_NOT_A_MEMBER_OF_THIS_ORGANIZATION", (await Ask(ada, "/api/auth/get-session", "X-Organization-ID", "nothing", 403)).Code());
    }

    [Fact]
    public async Task A_removed_member_is_refused_with_the_next_request()
    {
        var ada = await app.SignedUp();
        var id = await app.Founds(ada);
        var (ben, benId) = await app.Joined(ada, id);
        await Ask(ben, "/api/auth/get-session", "X-Organization-ID", id, 200);
        await app.Do(ada, "remove-member", new { memberIdOrEmail = benId });
        await Ask(ben, "/api/auth/get-session", "X-Organization-ID", id, 403);
    }

    private Task<ScenarioResult> Ask(Person person, string path, string header, string id, int status) => app.Scenario(_ =>
    {
        _.As(person.Browser).Get.Url(path);
        _.WithRequestHeader(header, id);
        _.StatusCodeShouldBe(status);
    });
}
