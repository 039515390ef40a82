using MediatR;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Modular.Identity.Contracts;
using Modular.Kernel;

namespace Modular.Profiles;

/// <summary>
/// A user is no mentor any more: <c>DELETE /api/mentors/{id}</c>. Their role goes in the same commit; office sessions that are
/// agreed stay, and either side may cancel them.
/// </summary>
internal static class WithdrawMentor
{
    internal sealed record Command(string UserId) : IRequest<Outcome<Profile>>, IIdempotent;

    internal sealed class Endpoint : ICarterModule
    {
        public void AddRoutes(IEndpointRouteBuilder app) => app
            .MapDelete("/api/mentors/{id}", async (string id, Caller caller, IMediator mediator, CancellationToken ct) =>
            {
                var outcome = await mediator.Send(new Command(caller.Named(id)), ct);
                return outcome.ToHttp(_ => TypedResults.NoContent());
            })
            .RequireOwnership("id", ProfileSight.Staff)
            .WithName(nameof(WithdrawMentor))
            .WithTags("mentoring")
            .Produces(StatusCodes.Status204NoContent)
            .ProducesProblem(StatusCodes.Status404NotFound);
    }

    internal sealed class Handler(ProfileStreams profiles, IMediator mediator) : IRequestHandler<Command, Outcome<Profile>>
    {
        public async Task<Outcome<Profile>> Handle(Command command, CancellationToken ct)
        {
            var opened = await profiles.Open(command.UserId, [], ct);
            if (opened.Refusal is { } refusal)
                return refusal;
            var open = opened.Answer;
            await mediator.Send(new HoldRole(command.UserId, "mentor", Holds: false, "mentor_withdrawn"), ct);
            return await open.Append(open.Profile.Mentor is null ? null : new MentorWithdrawn(command.UserId, open.Now), ct);
        }
    }
}
