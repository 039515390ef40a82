using FluentValidation;
using MediatR;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Modular.Identity.Contracts;
using Modular.Kernel;

namespace Modular.Profiles;

/// <summary>
/// A user becomes a mentee, or wants to learn something else: <c>PUT /api/mentees/{id}</c>. Their role follows in the same commit.
/// </summary>
internal static class DescribeMentee
{
    internal sealed record Request(string? Goals, IReadOnlyList<string?>? Interests);

    internal sealed record Command(string UserId, string? Goals, IReadOnlyList<string?> Interests, IReadOnlyList<string> IfMatch)
        : IRequest<Outcome<Profile>>, IIdempotent;

    internal static readonly Refusal NotActive = Refusal.Conflict("not_active", "The user is not active");

    internal sealed class Endpoint : ICarterModule
    {
        public void AddRoutes(IEndpointRouteBuilder app) => app
            .MapPut("/api/mentees/{id}", async (string id, Request request, HttpContext context, Caller caller, IMediator mediator, ProfileReading reading, CancellationToken ct) =>
            {
                var outcome = await mediator.Send(
                    new Command(caller.Named(id), request.Goals, request.Interests ?? [], ProfileStreams.Tags(context.Request)), ct);
                return outcome.Refusal is { } refusal ? refusal.ToHttp() : ProfileAnswer.Of(context, await reading.Whole(outcome.Answer, ct));
            })
            .RequireOwnership("id", ProfileSight.Staff)
            .WithName(nameof(DescribeMentee))
            .WithTags("mentoring")
            .Produces<ProfileAnswer>()
            .ProducesProblem(StatusCodes.Status400BadRequest)
            .ProducesProblem(StatusCodes.Status409Conflict)
            .ProducesProblem(StatusCodes.Status412PreconditionFailed);
    }

    internal sealed class Validator : AbstractValidator<Command>
    {
        private const int MostInterests = 30;

        public Validator()
        {
            RuleFor(command => command.Goals).Must(ProfileText.IsStorable).MaximumLength(4000);
            RuleFor(command => command.Interests)
                .Must(interests => interests.Count <= MostInterests).WithMessage($"At most {MostInterests} interests.")
                .Must(interests => interests.Select(Expertise.Normal).OfType<string>().GroupBy(tag => tag).All(same => same.Count() == 1))
                .WithMessage("An interest is named twice.");
            RuleForEach(command => command.Interests)
                .Must(interest => Expertise.Normal(interest) is not null).WithMessage($"An interest has letters or digits, and at most {Expertise.LongestTag} characters.");
        }
    }

    internal sealed class Handler(ProfileStreams profiles, IMediator mediator) : IRequestHandler<Command, Outcome<Profile>>
    {
        public async Task<Outcome<Profile>> Handle(Command command, CancellationToken ct)
        {
            var opened = await profiles.Open(command.UserId, command.IfMatch, ct);
            if (opened.Refusal is { } refusal)
                return refusal;
            var open = opened.Answer;
            if (!await mediator.Send(new HoldRole(command.UserId, "mentee", Holds: true, "became_mentee"), ct))
                return NotActive;
            return await open.Append(Decide(open.Profile, command, open.Now), ct);
        }
    }

    /// <summary>Null: all that is told already.</summary>
    internal static MenteeDescribed? Decide(Profile profile, Command command, DateTimeOffset now)
    {
        List<string> interests = [.. command.Interests.Select(interest => Expertise.Normal(interest)!)];
        var isSame = profile.Mentee is { } mentee && mentee.Goals == command.Goals && mentee.Interests.SequenceEqual(interests);
        return isSame ? null : new(command.UserId, command.Goals, interests, profile.Mentee?.Since ?? now, now);
    }
}
