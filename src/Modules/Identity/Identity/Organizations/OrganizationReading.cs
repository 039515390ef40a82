using MediatR;
using Modular.Kernel;
using Modular.Sessions.Contracts;
using Modular.Store;

namespace Modular.Identity;

/// <summary>Finds an organization for somebody who wants to read it.</summary>
internal sealed class OrganizationReading(IDocumentSession store, OrganizationRecord record)
{
    /// <summary>The organization, null when none is chosen and none active; refused to whoever is no member of it.</summary>
    /// <param name="act">What for, as the log names it.</param>
    public async Task<Outcome<Organization?>> Find(string userId, string? organizationId, string? slug, string act, CancellationToken ct)
    {
        var chosen = await OrganizationChoice.Find(store, organizationId, slug, ct);
        if (chosen.Refusal is { } unknown)
            return unknown == OrganizationRefusals.NoneActive ? Outcome.Of<Organization?>(null) : unknown;
        if (await store.LoadAsync<Organization>(chosen.Answer, ct) is not { } organization)
            return OrganizationRefusals.NotFound;
        return await OrganizationAccess.FindMember(store, organization.Id, userId, ct) is null
            ? record.Refuse(organization.Id, userId, act, OrganizationRefusals.NotMemberToRead)
            : Outcome.Of<Organization?>(organization);
    }

    /// <summary>Whoever asks for an organization that is not theirs has none active from then on (contract §7.2).</summary>
    public static async Task Unset<T>(Outcome<T> outcome, ActiveSession session, IMediator mediator, CancellationToken ct)
    {
        if (outcome.Refusal == OrganizationRefusals.NotMemberToRead && session.OrganizationId is not null)
            await mediator.Send(new SwitchOrganization(session.SessionId, null, null), ct);
    }
}
