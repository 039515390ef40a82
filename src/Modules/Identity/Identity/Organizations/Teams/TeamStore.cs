using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Options;
using Modular.Store;

namespace Modular.Identity;

/// <summary>What the module registers for teams and for roles of organizations' own.</summary>
internal static class TeamStore
{
    // Who is no member of an organization any more, by whatever statement, is in none of its teams; also when they were put
    // into one at the same moment. Whoever waits for the member's row sees then what the other has left.
    private const string Leave = """
        create function {schema}.leave_teams() returns trigger language plpgsql as $body$
        begin
            delete from {schema}.mt_doc_team_member where organization_id = old.organization_id and user_id = old.user_id;
            return null;
        end $body$;
        create trigger member_ended after delete on {schema}.mt_doc_member for each row execute function {schema}.leave_teams();
        """;

    public static void AddServices(IServiceCollection services)
    {
        services.AddOptions<TeamOptions>().Configure<IConfiguration>((options, from) => options.Read(from)).ValidateOnStart();
        services.TryAddEnumerable(ServiceDescriptor.Singleton<IValidateOptions<TeamOptions>, TeamOptionsValidation>());
        services.AddScoped<OrganizationTeams>();
        services.AddScoped<InvitedTeams>();
    }

    public static void Configure(StoreOptions store)
    {
        store.Events.MapEventType<TeamCreated>("team.created.1");
        store.Events.MapEventType<TeamUpdated>("team.updated.1");
        store.Events.MapEventType<TeamRemoved>("team.removed.1");
        store.Events.MapEventType<TeamMemberAdded>("team.member_added.1").About(e => e.UserId);
        store.Events.MapEventType<TeamMemberRemoved>("team.member_removed.1").About(e => e.UserId);
        store.Events.MapEventType<OrganizationRoleCreated>("organization_role.created.1");
        store.Events.MapEventType<OrganizationRoleUpdated>("organization_role.updated.1");
        store.Events.MapEventType<OrganizationRoleDeleted>("organization_role.deleted.1");
        store.Storage.Script("organizations-002-leave-teams", Leave);
    }
}
