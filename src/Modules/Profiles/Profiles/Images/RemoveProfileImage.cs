using MediatR;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Modular.Kernel;

namespace Modular.Profiles;

/// <summary>A user, or an administrator, removes their picture: <c>DELETE /api/profiles/{id}/image</c>.</summary>
internal static class RemoveProfileImage
{
    internal sealed record Command(string UserId) : IRequest<Outcome<Profile>>, IIdempotent;

    internal sealed class Endpoint : ICarterModule
    {
        public void AddRoutes(IEndpointRouteBuilder app) => app
            .MapDelete("/api/profiles/{id}/image", async (string id, Caller caller, IMediator mediator, CancellationToken ct) =>
            {
                var outcome = await mediator.Send(new Command(caller.Named(id)), ct);
                return outcome.ToHttp(_ => TypedResults.NoContent());
            })
            .RequireOwnership("id", "admin")
            .WithName(nameof(RemoveProfileImage))
            .WithTags("profiles");
    }

    internal sealed class Handler(ProfileStreams profiles) : IRequestHandler<Command, Outcome<Profile>>
    {
        public async Task<Outcome<Profile>> Handle(Command command, CancellationToken ct)
        {
            var opened = await profiles.Open(command.UserId, [], ct);
            if (opened.Refusal is { } refusal)
                return refusal;
            var open = opened.Answer;
            if (open.Profile.Image is null)
                return open.Profile;
            open.Store.QueueSqlCommand("delete from profiles.images where user_id = ?", command.UserId);
            return await open.Append(new ProfileImageRemoved(command.UserId, open.Now), ct);
        }
    }
}
