using MediatR;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Modular.Kernel;
using Modular.Store;

namespace Modular.Identity;

/// <summary>Somebody who never said who they are deletes what there is of them: <c>POST /api/auth/delete-anonymous-user</c>.</summary>
internal static class DeleteAnonymousUser
{
    internal sealed record Command(string UserId, string BaseUrl) : IRequest<Outcome>, IIdempotent;

    internal static readonly Refusal NotAnonymous = Refusal.Forbidden("USER_IS_NOT_ANONYMOUS", "User is not anonymous");

    internal sealed class Endpoint(PublicAddress address) : ICarterModule
    {
        public void AddRoutes(IEndpointRouteBuilder app) => app
            .MapAuthPost("/delete-anonymous-user", new AuthPost { BodyOptional = true }, async (
                HttpContext context, Caller caller, IMediator mediator, SessionCookies cookies, CancellationToken ct) =>
            {
                var outcome = await mediator.Send(new Command(caller.UserId!, address.For(context).ToString()), ct);
                return outcome.ToHttp(() =>
                {
                    cookies.Clear(context);
                    return WireJson.Ok(new { Success = true });
                });
            })
            .RequireSession()
            .WithName(nameof(DeleteAnonymousUser))
            .PartOf(AuthGroup.Anonymous);
    }

    internal sealed class Handler(IDocumentSession store, Removal removal, DeletionRecord record) : IRequestHandler<Command, Outcome>
    {
        public async Task<Outcome> Handle(Command command, CancellationToken ct)
        {
            if (await store.LoadAsync<User>(command.UserId, ct) is not { } user)
                return Refusal.Unauthorized();
            if (!user.IsAnonymous)
                return record.Refuse(user.Id, "not_anonymous", NotAnonymous);
            return await removal.Remove(user.Id, "self", command.BaseUrl, ct) ? Outcome.Done : Refusal.Unauthorized();
        }
    }
}
