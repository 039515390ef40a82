using MediatR;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Modular.Kernel;
using Modular.Store;

namespace Modular.Identity;

/// <summary>A member who may puts another out: <c>POST /api/auth/organization/remove-member</c>.</summary>
internal static class RemoveMember
{
    internal sealed record Request(string MemberIdOrEmail, string? OrganizationId) : IWireInput<Request>
    {
        public static Request Read(WireBody body) => new(body.RequiredString("memberIdOrEmail"), body.OptionalString("organizationId"));
    }

    internal sealed record Command(string UserId, string OrganizationId, string MemberIdOrEmail) : IRequest<Outcome<MemberView>>, IIdempotent;

    internal static readonly Refusal NotAllowed = Refusal.Unauthorized("YOU_ARE_NOT_ALLOWED_TO_DELETE_THIS_MEMBER", "You are not allowed to delete this member");

    internal sealed class Endpoint : ICarterModule
    {
        public void AddRoutes(IEndpointRouteBuilder app) => app
            .MapAuthPost("/organization/remove-member", async (Request request, HttpContext context, IMediator mediator, CancellationToken ct) =>
            {
                var session = (await SignedInExtensions.Identify(context))!;
                if (session.In(request.OrganizationId) is not { } organizationId)
                    return OrganizationRefusals.NoneActive.ToHttp();
                var outcome = await mediator.Send(new Command(session.UserId, organizationId, request.MemberIdOrEmail), ct);
                return outcome.ToHttp(member => WireJson.Ok(new { Member = member }));
            })
            .RequireSession()
            .PartOf(AuthGroup.Organization);
    }

    internal sealed class Handler(IDocumentSession store, OrganizationRecord record, Departure departure) : IRequestHandler<Command, Outcome<MemberView>>
    {
        public async Task<Outcome<MemberView>> Handle(Command command, CancellationToken ct)
        {
            var organizationId = command.OrganizationId;
            var access = await OrganizationAccess.Find(store, organizationId, command.UserId, ct);
            var (user, memberId) = await Find(command, ct);
            var stored = memberId is null ? null : await store.LoadRevisionAsync<Member>(memberId, ct);
            var owners = (await store.QueryAsync<Member>("where d.organization_id = ?", ct, organizationId)).Count(member => member.IsOwner());
            if (Decide(access, stored?.Document, owners) is { } refusal)
                return record.Refuse(organizationId, command.UserId, "remove_member", refusal);
            if (stored!.Document.UserId != command.UserId)
                access!.Hold(store);
            await departure.Remove(stored, "removed", ct);
            return MemberView.Of(stored.Document, user);
        }

        private async Task<(User? User, string? MemberId)> Find(Command command, CancellationToken ct)
        {
            if (!command.MemberIdOrEmail.Contains('@', StringComparison.Ordinal))
                return (null, command.MemberIdOrEmail);
            if (await store.QueryAsync<User>("where d.email = ?", ct, command.MemberIdOrEmail.ToLowerInvariant()) is not [var user])
                return (null, null);
            return (user, (await OrganizationAccess.FindMember(store, command.OrganizationId, user.Id, ct))?.Id);
        }
    }

    /// <param name="owners">How many there are.</param>
    internal static Refusal? Decide(OrganizationAccess? access, Member? member, int owners) => member switch
    {
        _ when access is null => OrganizationRefusals.MemberNotFound,
        null => OrganizationRefusals.MemberNotFound,
        _ when member.OrganizationId != access.Organization.Id => OrganizationRefusals.MemberNotFound,
        _ when member.IsOwner() && (!access.IsOwner || owners <= 1) => OrganizationRefusals.OnlyOwner,
        _ when !access.May("member", "delete") => NotAllowed,
        _ => null,
    };
}
