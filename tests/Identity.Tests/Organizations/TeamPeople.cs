using System.Text.Json;
using MediatR;
using Microsoft.Extensions.DependencyInjection;
using Modular.Sessions.Contracts;
using Modular.Store;
using Modular.Testing;

namespace Modular.Identity.Tests;

/// <summary>Small limits, so that they are reached.</summary>
public sealed class TeamApp() : App(new()
{
    ["Organizations:MaxTeams"] = "6",
    ["Organizations:MaxTeamMembers"] = "3",
    ["Organizations:MaxRoles"] = "4",
});

/// <summary>An organization with an owner, an admin and a member, each acting in it, and its first team with the owner in it.</summary>
internal sealed record Tenant(App App, string Id, string TeamId, Person Owner, Person Admin, Person Member)
{
    public static async Task<Tenant> Founded(App app)
    {
        var (owner, admin, member) = (await app.SignedUp(), await app.SignedUp(), await app.SignedUp());
        var now = DateTimeOffset.UtcNow;
        var (id, teamId) = (Guid.NewGuid().ToString("N"), Guid.NewGuid().ToString("N"));
        await using (var store = app.Services.GetRequiredService<IDocumentStore>().LightweightSession())
        {
            store.Insert(new Organization(id, "Acme", $"acme-{id}", null, null, now));
            store.Insert(new Team(teamId, "Acme", id, now, null));
            store.Insert(new TeamMember(Guid.NewGuid().ToString("N"), teamId, id, owner.Id, now));
            await store.SaveChangesAsync();
        }

        var tenant = new Tenant(app, id, teamId, owner, admin, member);
        await tenant.Join(owner, "owner");
        await tenant.Join(admin, "admin");
        await tenant.Join(member, "member");
        return tenant;
    }

    public async Task Join(Person person, string role)
    {
        await using (var store = App.Services.GetRequiredService<IDocumentStore>().LightweightSession())
        {
            store.Insert(new Modular.Identity.Member(Guid.NewGuid().ToString("N"), Id, person.Id, role, DateTimeOffset.UtcNow));
            await store.SaveChangesAsync();
        }

        await Act(person);
    }

    /// <summary>Makes the organization the active one.</summary>
    public async Task Act(Person person)
    {
        await using var scope = App.Services.CreateAsyncScope();
        var session = (await Session(person)).GetProperty("id").GetString()!;
        Assert.True(await scope.ServiceProvider.GetRequiredService<IMediator>().Send(new SwitchOrganization(session, Id, null)));
    }

    public async Task<JsonElement> Session(Person person) =>
        (await App.Scenario(_ => _.As(person.Browser).Get.Url("/api/auth/get-session"))).Json().GetProperty("session");

    public Task GiveRole(Person person, string role) => App.Sql(
        "update identity.mt_doc_member set role = $1, data = jsonb_set(data, '{role}', to_jsonb($1::text)) where user_id = $2", role, person.Id);

    public Task<ScenarioResult> Post(Person? person, string route, object body, int? status = 200) => App.Scenario(_ =>
    {
        _.As(person?.Browser ?? App.Browser()).Post.Json(body).ToUrl($"/api/auth/organization/{route}");
        if (status is { } expected)
            _.StatusCodeShouldBe(expected);
        else
            _.IgnoreStatusCode();
    });

    public Task<ScenarioResult> Get(Person? person, string route, int? status = 200) => App.Scenario(_ =>
    {
        _.As(person?.Browser ?? App.Browser()).Get.Url($"/api/auth/organization/{route}");
        if (status is { } expected)
            _.StatusCodeShouldBe(expected);
        else
            _.IgnoreStatusCode();
    });

    public async Task<string> NewTeam(string name = "Dev") =>
        (await Post(Owner, "create-team", new { name })).Json().GetProperty("id").GetString()!;

    public async Task Refused(Person? person, string route, object body, int status, string code) =>
        Assert.Equal(code, (await Post(person, route, body, status)).Json().GetProperty("code").GetString());

    /// <summary>The newest event of a type in this organization.</summary>
    public async Task<JsonElement> Event(string type) => JsonDocument.Parse((string)(await App.Sql(
        "select data::text from identity.mt_events where type = $1 and data ->> 'organizationId' = $2 order by seq_id desc limit 1", type, Id))[0][0]!).RootElement;

    public Task<long> Teams() => App.Count("select count(*) from identity.mt_doc_team where organization_id = $1", Id);
}
