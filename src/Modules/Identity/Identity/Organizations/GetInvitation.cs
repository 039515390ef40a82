using MediatR;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.Options;
using Modular.Kernel;
using Modular.Store;

namespace Modular.Identity;

/// <summary>Whoever was invited sees to what, and by whom: <c>GET /api/auth/organization/get-invitation</c>.</summary>
internal static class GetInvitation
{
    internal sealed record Request(string Id) : IWireInput<Request>
    {
        public static Request Read(WireBody query) => new(query.RequiredString("id"));
    }

    internal sealed record Query(string UserId, string InvitationId) : IRequest<Outcome<Response>>;

    internal sealed record Response(
        string OrganizationId,
        string Email,
        string Role,
        string? TeamId,
        string Status,
        DateTimeOffset ExpiresAt,
        DateTimeOffset CreatedAt,
        string InviterId,
        string Id,
        string OrganizationName,
        string OrganizationSlug,
        string InviterEmail);

    internal static readonly Refusal SignedOut = Refusal.Unauthorized("UNAUTHORIZED", "Not authenticated").WithoutCode();

    internal static readonly Refusal NotFound = Refusal.BadRequest("INVITATION_NOT_FOUND", "Invitation not found!").WithoutCode();

    internal static readonly Refusal InviterLeft = Refusal.BadRequest("INVITER_IS_NO_LONGER_A_MEMBER_OF_THE_ORGANIZATION");

    internal sealed class Endpoint : ICarterModule
    {
        public void AddRoutes(IEndpointRouteBuilder app) => app
            .MapAuthGet("/organization/get-invitation", async (Request request, HttpContext context, IMediator mediator, CancellationToken ct) =>
                await SignedInExtensions.Identify(context) is { } session
                    ? (await mediator.Send(new Query(session.UserId, request.Id), ct)).ToHttp(WireJson.Ok)
                    : SignedOut.ToHttp())
            .PartOf(AuthGroup.Organization);
    }

    internal sealed class Handler(IDocumentSession store, OrganizationRecord record, IOptions<OrganizationOptions> options)
        : IRequestHandler<Query, Outcome<Response>>
    {
        public async Task<Outcome<Response>> Handle(Query query, CancellationToken ct)
        {
            var invitation = await store.LoadAsync<Invitation>(query.InvitationId, ct);
            if (await store.LoadAsync<User>(query.UserId, ct) is not { } user)
                return SignedOut;
            if (Decide(invitation, user, options.Value, record.Now) is { } refusal)
                return record.Refuse(invitation?.OrganizationId, user.Id, "get_invitation", refusal);
            var (id, inviterId) = (invitation!.OrganizationId, invitation.InviterId);
            if (await store.LoadAsync<Organization>(id, ct) is not { } organization)
                return OrganizationRefusals.NotFound;
            if (await OrganizationAccess.FindMember(store, id, inviterId, ct) is null || await store.LoadAsync<User>(inviterId, ct) is not { } inviter)
                return InviterLeft;
            return new Response(
                id, invitation.Email, invitation.Role, invitation.TeamId, invitation.Status, invitation.ExpiresAt, invitation.CreatedAt, inviterId,
                invitation.Id, organization.Name, organization.Slug, inviter.Email);
        }
    }

    internal static Refusal? Decide(Invitation? invitation, User user, OrganizationOptions options, DateTimeOffset now) => invitation switch
    {
        null => NotFound,
        _ when !invitation.IsOpen(now) => NotFound,
        _ when invitation.Email != user.Email => OrganizationRefusals.NotRecipient,
        _ when options.RequireVerifiedEmail && !user.EmailVerified => OrganizationRefusals.NotVerifiedToRead,
        _ => null,
    };
}
