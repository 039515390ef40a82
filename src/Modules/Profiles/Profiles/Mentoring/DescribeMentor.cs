using FluentValidation;
using MediatR;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Modular.Identity.Contracts;
using Modular.Kernel;

namespace Modular.Profiles;

/// <summary>
/// A user becomes a mentor, or tells something else as one: <c>PUT /api/mentors/{id}</c>. Their role follows in the same commit.
/// With <c>If-Match</c> only the version of the profile that was read.
/// </summary>
internal static class DescribeMentor
{
    internal sealed record Request(string? Biography, IReadOnlyList<WishedExpertise?>? Expertise, IReadOnlyList<string?>? Languages, int? Capacity, bool? Accepts);

    internal sealed record WishedExpertise(string? Tag, string? Level);

    internal sealed record Command(
        string UserId, string? Biography, IReadOnlyList<WishedExpertise?> Expertise, IReadOnlyList<string?> Languages, int Capacity, bool Accepts,
        IReadOnlyList<string> IfMatch) : IRequest<Outcome<Profile>>, IIdempotent;

    internal static readonly Refusal NotActive = Refusal.Conflict("not_active", "The user is not active");

    private const int UsualCapacity = 10;

    internal sealed class Endpoint : ICarterModule
    {
        public void AddRoutes(IEndpointRouteBuilder app) => app
            .MapPut("/api/mentors/{id}", async (string id, Request request, HttpContext context, Caller caller, IMediator mediator, ProfileReading reading, CancellationToken ct) =>
            {
                var outcome = await mediator.Send(
                    new Command(
                        caller.Named(id), request.Biography, request.Expertise ?? [], request.Languages ?? [], request.Capacity ?? UsualCapacity,
                        request.Accepts ?? true, ProfileStreams.Tags(context.Request)),
                    ct);
                return outcome.Refusal is { } refusal ? refusal.ToHttp() : ProfileAnswer.Of(context, await reading.Whole(outcome.Answer, ct));
            })
            .RequireOwnership("id", ProfileSight.Staff)
            .WithName(nameof(DescribeMentor))
            .WithTags("mentoring")
            .Produces<ProfileAnswer>()
            .ProducesProblem(StatusCodes.Status400BadRequest)
            .ProducesProblem(StatusCodes.Status409Conflict)
            .ProducesProblem(StatusCodes.Status412PreconditionFailed);
    }

    internal sealed class Validator : AbstractValidator<Command>
    {
        private const int MostTags = 30;
        private const int MostLanguages = 20;

        public Validator()
        {
            RuleFor(command => command.Biography).Must(ProfileText.IsStorable).MaximumLength(4000);
            RuleFor(command => command.Expertise)
                .Must(expertise => expertise.Count <= MostTags).WithMessage($"At most {MostTags} tags.")
                .Must(expertise => expertise.Select(one => Expertise.Normal(one?.Tag)).OfType<string>().GroupBy(tag => tag).All(same => same.Count() == 1))
                .WithMessage("A tag is named twice.");
            RuleForEach(command => command.Expertise)
                .Must(one => Expertise.Normal(one?.Tag) is not null).WithMessage($"A tag has letters or digits, and at most {Expertise.LongestTag} characters.")
                .Must(one => Expertise.LevelOf(one?.Level) is not null).WithMessage("The level is one of beginner, intermediate, advanced, expert.");
            RuleFor(command => command.Languages)
                .Must(languages => languages.Count <= MostLanguages).WithMessage($"At most {MostLanguages} languages.")
                .Must(languages => languages.Distinct(StringComparer.OrdinalIgnoreCase).Count() == languages.Count).WithMessage("A language is named twice.");
            RuleForEach(command => command.Languages)
                .Must(ProfileText.IsLanguageTag).WithMessage("'{PropertyValue}' is not a language tag such as 'en' or 'pt-BR' (BCP 47).");
            RuleFor(command => command.Capacity).InclusiveBetween(1, Mentor.MostCapacity);
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
            if (!await mediator.Send(new HoldRole(command.UserId, "mentor", Holds: true, "became_mentor"), ct))
                return NotActive;
            return await open.Append(Decide(open.Profile, command, open.Now), ct);
        }
    }

    /// <summary>Null: all that is told already.</summary>
    internal static MentorDescribed? Decide(Profile profile, Command command, DateTimeOffset now)
    {
        List<Expertise> expertise = [.. command.Expertise.Select(one => new Expertise(Expertise.Normal(one!.Tag)!, Expertise.LevelOf(one.Level)!.Value))];
        List<string> languages = [.. command.Languages.OfType<string>()];
        var isSame = profile.Mentor is { } mentor && mentor.Biography == command.Biography && mentor.Expertise.SequenceEqual(expertise)
            && mentor.Languages.SequenceEqual(languages) && mentor.Capacity == command.Capacity && mentor.Accepts == command.Accepts;
        return isSame
            ? null
            : new(command.UserId, command.Biography, expertise, languages, command.Capacity, command.Accepts, profile.Mentor?.Since ?? now, now);
    }
}
