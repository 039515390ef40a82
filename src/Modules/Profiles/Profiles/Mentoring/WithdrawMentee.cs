using MediatR;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Modular.Identity.Contracts;
using Modular.Kernel;

namespace Modular.Profiles;

/// <summary>
/// A user is no mentee any more: <c>DELETE /api/mentees/{id}</c>. Their role goes in the same commit; office sessions that are
/// agreed stay, and either side may cancel them.
/// </summary>
internal static class WithdrawMentee
{
    internal sealed record Command(string UserId) : IRequest<Outcome<Profile>>, IIdempotent;

    internal sealed class Endpoint : ICarterModule
    {
        public void AddRoutes(IEndpointRouteBuilder app) => app
            .MapDelete("/api/mentees/{id}", async (string id, Caller caller, IMediator mediator, CancellationToken ct) =>
            {
                var outcome = await mediator.Send(new Command(caller.Named(id)), ct);
                return outcome.ToHttp(_ => TypedResults.NoContent());
            })
            .RequireOwnership("id", ProfileSight.Staff)
            .WithName(nameof(WithdrawMentee))
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
            await mediator.Send(new HoldRole(command.UserId, "mentee", Holds: false, "mentee_withdrawn"), ct);
            return await open.Append(open.Profile.Mentee is null ? null : new MenteeWithdrawn(command.UserId, open.Now), ct);
        }
    }
}
