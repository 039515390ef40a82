using MediatR;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Modular.Kernel;
using Modular.Store;

namespace Modular.Identity;

/// <summary>
/// A user lists what their address is invited to, once it is known to be theirs: <c>GET /api/auth/organization/list-user-invitations</c>.
/// </summary>
internal static class ListUserInvitations
{
    internal sealed record Request(string? Email) : IWireInput<Request>
    {
        public static Request Read(WireBody query) => new(query.OptionalString("email"));
    }

    internal sealed record Query(string UserId) : IRequest<Outcome<IReadOnlyList<Invitation>>>;

    internal static readonly Refusal NoEmail = Refusal.BadRequest(
        "EMAIL_NOT_ALLOWED", "User email cannot be passed for client side API calls.").WithoutCode();

    internal static readonly Refusal SignedOut = Refusal.BadRequest(
        "UNAUTHORIZED", "Missing session headers, or email query parameter.").WithoutCode();

    internal sealed class Endpoint : ICarterModule
    {
        public void AddRoutes(IEndpointRouteBuilder app) => app
            .MapAuthGet("/organization/list-user-invitations", async (Request request, HttpContext context, IMediator mediator, CancellationToken ct) =>
            {
                if (!string.IsNullOrEmpty(request.Email))
                    return NoEmail.ToHttp();
                if (await SignedInExtensions.Identify(context) is not { } session)
                    return SignedOut.ToHttp();
                var outcome = await mediator.Send(new Query(session.UserId), ct);
                return outcome.ToHttp(invitations => WireJson.Ok(invitations.Select(InvitationView.Of).ToList()));
            })
            .PartOf(AuthGroup.Organization);
    }

    internal sealed class Handler(IDocumentSession store, OrganizationRecord record) : IRequestHandler<Query, Outcome<IReadOnlyList<Invitation>>>
    {
        public async Task<Outcome<IReadOnlyList<Invitation>>> Handle(Query query, CancellationToken ct)
        {
            if (await store.LoadAsync<User>(query.UserId, ct) is not { } user)
                return SignedOut;
            if (!user.EmailVerified)
                return record.Refuse(null, user.Id, "list_user_invitations", OrganizationRefusals.NotVerifiedToRead);
            return Outcome.Of(await store.QueryAsync<Invitation>(
                "where d.email = ? and d.status = ? order by d.data ->> 'createdAt', d.id", ct, user.Email, Invitation.Pending));
        }
    }
}
