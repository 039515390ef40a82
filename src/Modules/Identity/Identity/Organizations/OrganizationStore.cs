using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Options;
using Modular.Kernel;
using Modular.Store;

namespace Modular.Identity;

/// <summary>What the module registers for organizations.</summary>
internal static class OrganizationStore
{
    private const string Indexes = """
        create unique index mt_doc_member_uidx_organization_user on {schema}.mt_doc_member (organization_id, user_id);
        create unique index mt_doc_invitation_uidx_pending on {schema}.mt_doc_invitation (organization_id, email) where status = 'pending';
        create unique index mt_doc_team_member_uidx_team_user on {schema}.mt_doc_team_member (team_id, user_id);
        create unique index mt_doc_organization_role_uidx_organization_role on {schema}.mt_doc_organization_role (organization_id, role);
        """;

    public static void AddServices(IServiceCollection services)
    {
        services.AddOptions<OrganizationOptions>().Configure<IConfiguration>((options, from) => options.Read(from)).ValidateOnStart();
        services.TryAddEnumerable(ServiceDescriptor.Singleton<IValidateOptions<OrganizationOptions>, OrganizationOptionsValidation>());
        services.AddScoped<OrganizationRecord>();
        services.AddScoped<Departure>();
        services.AddScoped<OrganizationReading>();
        services.AddScoped<IEndOfUser>(provider => provider.GetRequiredService<Departure>());
        services.AddScoped<InvitationMail>();
        services.AddSingleton<IMemberships, MembershipCheck>();
        TeamStore.AddServices(services);
    }

    public static void Configure(StoreOptions store)
    {
        StoreEvents(store.Events);
        store.Schema.For<Organization>()
            .Duplicate(organization => organization.Slug, "text")
            .UniqueIndex(Organization.SlugIndex, organization => organization.Slug);
        store.Schema.For<Member>()
            .Duplicate(member => member.OrganizationId, "text")
            .Duplicate(member => member.UserId, "text")
            .Duplicate(member => member.Role, "text")
            .Duplicate(member => member.CreatedAt, "timestamptz")
            .Index(member => member.UserId);
        store.Schema.For<Invitation>()
            .Duplicate(invitation => invitation.OrganizationId, "text")
            .Duplicate(invitation => invitation.Email, "text")
            .Duplicate(invitation => invitation.Status, "text")
            .Duplicate(invitation => invitation.ExpiresAt, "timestamptz")
            .Duplicate(invitation => invitation.InviterId, "text")
            .Index(invitation => invitation.OrganizationId)
            .Index(invitation => invitation.Email)
            .Index(invitation => invitation.InviterId);
        store.Schema.For<Team>()
            .Duplicate(team => team.OrganizationId, "text")
            .Index(team => team.OrganizationId);
        store.Schema.For<TeamMember>()
            .Duplicate(member => member.TeamId, "text")
            .Duplicate(member => member.OrganizationId, "text")
            .Duplicate(member => member.UserId, "text")
            .Index(member => member.OrganizationId)
            .Index(member => member.UserId);
        store.Schema.For<OrganizationRole>()
            .Duplicate(role => role.OrganizationId, "text")
            .Duplicate(role => role.Role, "text");
        store.Storage.Script("organizations-001-indexes", Indexes);
        TeamStore.Configure(store);
    }

    private static void StoreEvents(EventOptions events)
    {
        events.MapEventType<OrganizationCreated>("organization.created.1").About(e => e.UserId);
        events.MapEventType<OrganizationUpdated>("organization.updated.1").About(e => e.UserId);
        events.MapEventType<OrganizationDeleted>("organization.deleted.1").About(e => e.UserId).Because(e => e.Reason);
        events.MapEventType<MemberAdded>("organization.member_added.1").About(e => e.UserId).Because(e => e.Reason);
        events.MapEventType<MemberRoleSet>("organization.member_role_set.1").About(e => e.UserId).Because(e => e.Reason);
        events.MapEventType<MemberRemoved>("organization.member_removed.1").About(e => e.UserId).Because(e => e.Reason);
        events.MapEventType<MemberInvited>("organization.member_invited.1").About(e => AddressHash.SubjectOf(null, e.AddressHash) ?? e.UserId).Because(e => e.Reason);
        events.MapEventType<InvitationAccepted>("organization.invitation_accepted.1").About(e => e.UserId);
        events.MapEventType<InvitationRejected>("organization.invitation_rejected.1").About(e => e.UserId);
        events.MapEventType<InvitationCanceled>("organization.invitation_canceled.1").About(e => e.UserId).Because(e => e.Reason);
        events.MapEventType<OrganizationActRefused>("organization.act_refused.1").About(e => e.UserId).Refused(e => e.Reason);
    }
}
