using MediatR;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.Options;
using Modular.Kernel;
using Modular.Sessions.Contracts;
using Modular.Store;

namespace Modular.Identity;

/// <summary>A user founds an organization, with a first team, and owns it: <c>POST /api/auth/organization/create</c>.</summary>
internal static class CreateOrganization
{
    internal sealed record Request(string Name, string Slug, string? Logo, string? Metadata, bool KeepsActive) : IWireInput<Request>
    {
        public static Request Read(WireBody body) => new(
            OrganizationLimits.Filled(body, "name", body.RequiredString("name"), OrganizationLimits.NameBytes)!,
            OrganizationLimits.Filled(body, "slug", body.RequiredString("slug"), OrganizationLimits.SlugBytes)!,
            OrganizationLimits.Logo(body).Value,
            OrganizationLimits.Metadata(body),
            body.OptionalBool("keepCurrentActiveOrganization") ?? false);
    }

    internal sealed record Command(string UserId, string SessionId, Request Wish) : IRequest<Outcome<Response>>, IIdempotent;

    internal sealed record Response(
        string Name, string Slug, string? Logo, DateTimeOffset CreatedAt, object? Metadata, string Id, IReadOnlyList<MemberView> Members);

    internal static readonly Refusal NotAllowed = Refusal.Forbidden("YOU_ARE_NOT_ALLOWED_TO_CREATE_A_NEW_ORGANIZATION");

    internal static readonly Refusal TooMany = Refusal.Forbidden("YOU_HAVE_REACHED_THE_MAXIMUM_NUMBER_OF_ORGANIZATIONS");

    internal static readonly Refusal Exists = Refusal.BadRequest("ORGANIZATION_ALREADY_EXISTS");

    internal sealed class Endpoint : ICarterModule
    {
        public void AddRoutes(IEndpointRouteBuilder app) => app
            .MapAuthPost("/organization/create", async (Request request, HttpContext context, IMediator mediator, CancellationToken ct) =>
            {
                if (await SignedInExtensions.Identify(context) is not { } session)
                    return Refusal.Unauthorized().WithoutBody().ToHttp();
                var outcome = await mediator.Send(new Command(session.UserId, session.SessionId, request), ct);
                return outcome.ToHttp(WireJson.Ok);
            })
            .PartOf(AuthGroup.Organization);
    }

    internal sealed class Handler(
        IDocumentSession store, IMediator mediator, OrganizationRecord record, Refusals refusals, IOptions<OrganizationOptions> options)
        : IRequestHandler<Command, Outcome<Response>>
    {
        public async Task<Outcome<Response>> Handle(Command command, CancellationToken ct)
        {
            var (userId, wish, now) = (command.UserId, command.Wish, record.Now);
            if (await store.LoadAsync<User>(userId, ct) is null)
                return Refusal.Unauthorized().WithoutBody();
            var memberships = await store.QueryAsync<Member>("where d.user_id = ?", ct, userId);
            if (Decide(memberships.Count, options.Value) is { } refusal)
                return record.Refuse(null, userId, "create", refusal);

            // The unique index has the last word; this spares most of those who lose.
            if ((await store.QueryAsync<Organization>("where d.slug = ?", ct, wish.Slug)).Count > 0)
                return Exists;
            refusals.When(Organization.SlugIndex, Exists);

            var organization = new Organization(Organization.NewId(now), wish.Name, wish.Slug, wish.Logo, wish.Metadata, now);
            var member = new Member(Organization.NewId(now), organization.Id, userId, OrganizationRoles.Owner, now);
            var team = new Team(Organization.NewId(now), wish.Name, organization.Id, now, null);
            Organization.HoldUser(store, userId);
            store.Insert(organization);
            store.Insert(member);
            store.Insert(team);
            store.Insert(new TeamMember(Organization.NewId(now), team.Id, organization.Id, userId, now));
            if (options.Value.MaxPerUser is { } most)
                RequireAtMost(userId, most);
            store.Events.Append(
                organization.Id,
                new OrganizationCreated(organization.Id, userId, organization.Name, organization.Slug, team.Id, now),
                new MemberAdded(organization.Id, userId, member.Id, member.Role, "created", now));
            if (!wish.KeepsActive)
                await mediator.Send(new SwitchOrganization(command.SessionId, organization.Id, team.Id), ct);
            return new Response(
                organization.Name, organization.Slug, organization.Logo, now, OrganizationView.Parse(organization.Metadata), organization.Id,
                [MemberView.Of(member)]);
        }

        // Counted again at the commit: after the user's row is held, so one organization after the other.
        private void RequireAtMost(string userId, int most) => store.QueueSqlCommand(
            1,
            """
            update identity.mt_doc_user set mt_version = mt_version where id = ? and (
                select count(*) from identity.mt_doc_member where user_id = ?) <= ?
            """,
            userId, userId, most);
    }

    internal static Refusal? Decide(int memberships, OrganizationOptions options) => options switch
    {
        { AllowCreation: false } => NotAllowed,
        { MaxPerUser: { } most } when memberships >= most => TooMany,
        _ => null,
    };
}
