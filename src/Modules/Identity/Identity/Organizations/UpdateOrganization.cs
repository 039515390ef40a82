using MediatR;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Modular.Kernel;
using Modular.Store;

namespace Modular.Identity;

/// <summary>A member who may changes what an organization is called: <c>POST /api/auth/organization/update</c>.</summary>
internal static class UpdateOrganization
{
    internal sealed record Request(string? Name, string? Slug, WireValue<string> Logo, string? Metadata, string? OrganizationId) : IWireInput<Request>
    {
        public static Request Read(WireBody body)
        {
            var data = body.Within("data");
            return new(
                OrganizationLimits.Filled(data, "name", data.OptionalString("name"), OrganizationLimits.NameBytes),
                OrganizationLimits.Filled(data, "slug", data.OptionalString("slug"), OrganizationLimits.SlugBytes),
                OrganizationLimits.Logo(data),
                OrganizationLimits.Metadata(data),
                body.OptionalString("organizationId"));
        }
    }

    internal sealed record Command(string UserId, string OrganizationId, Request Wish) : IRequest<Outcome<Organization>>, IIdempotent;

    internal static readonly Refusal SignedOut = Refusal.Unauthorized("UNAUTHORIZED", "User not found").WithoutCode();

    internal static readonly Refusal NotAllowed = Refusal.Forbidden("YOU_ARE_NOT_ALLOWED_TO_UPDATE_THIS_ORGANIZATION");

    internal sealed class Endpoint : ICarterModule
    {
        public void AddRoutes(IEndpointRouteBuilder app) => app
            .MapAuthPost("/organization/update", async (Request request, HttpContext context, IMediator mediator, CancellationToken ct) =>
            {
                if (await SignedInExtensions.Identify(context) is not { } session)
                    return SignedOut.ToHttp();
                if (session.In(request.OrganizationId) is not { } organizationId)
                    return OrganizationRefusals.NotFound.ToHttp();
                var outcome = await mediator.Send(new Command(session.UserId, organizationId, request), ct);
                return outcome.ToHttp(organization => WireJson.Ok(OrganizationView.Written(organization)));
            })
            .PartOf(AuthGroup.Organization);
    }

    internal sealed class Handler(IDocumentSession store, OrganizationRecord record, Refusals refusals) : IRequestHandler<Command, Outcome<Organization>>
    {
        public async Task<Outcome<Organization>> Handle(Command command, CancellationToken ct)
        {
            var (organizationId, userId, wish) = (command.OrganizationId, command.UserId, command.Wish);
            var access = await OrganizationAccess.Find(store, organizationId, userId, ct);
            if (Decide(access) is { } refusal)
                return record.Refuse(organizationId, userId, "update", refusal);
            if (await store.LoadRevisionAsync<Organization>(organizationId, ct) is not { } stored)
                return OrganizationRefusals.NotFound;
            if (wish.Slug is { } slug && slug != stored.Document.Slug && (await store.QueryAsync<Organization>("where d.slug = ?", ct, slug)).Count > 0)
                return OrganizationRefusals.SlugTaken;
            refusals.When(Organization.SlugIndex, OrganizationRefusals.SlugTaken);

            var (changed, updated) = Apply(stored.Document, wish);
            if (changed.Count == 0)
                return updated;
            Organization.Lock(store, organizationId);
            access!.Hold(store);
            store.UpdateRevision(updated, stored.Number);
            store.Events.Append(organizationId, new OrganizationUpdated(
                organizationId, userId, changed, changed.Contains("name") ? updated.Name : null, changed.Contains("slug") ? updated.Slug : null,
                record.Now));
            return updated;
        }
    }

    internal static Refusal? Decide(OrganizationAccess? access) => access switch
    {
        null => OrganizationRefusals.NotMember,
        _ when !access.May("organization", "update") => NotAllowed,
        _ => null,
    };

    /// <summary>What is already so is no change.</summary>
    internal static (IReadOnlyList<string> Changed, Organization Updated) Apply(Organization old, Request wish)
    {
        var updated = old with
        {
            Name = wish.Name ?? old.Name,
            Slug = wish.Slug ?? old.Slug,
            Logo = wish.Logo.IsPresent ? wish.Logo.Value : old.Logo,
            Metadata = wish.Metadata ?? old.Metadata,
        };
        List<string> changed = [];
        if (updated.Name != old.Name)
            changed.Add("name");
        if (updated.Slug != old.Slug)
            changed.Add("slug");
        if (updated.Logo != old.Logo)
            changed.Add("logo");
        if (updated.Metadata != old.Metadata)
            changed.Add("metadata");
        return (changed, updated);
    }
}
