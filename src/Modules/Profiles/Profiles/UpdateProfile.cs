using FluentValidation;
using MediatR;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Modular.Kernel;
using Modular.Store;

namespace Modular.Profiles;

/// <summary>
/// A user replaces their own profile, an administrator anybody's: <c>PUT /api/profiles/{id}</c>, of which <c>me</c> is the caller's.
/// With <c>If-Match</c> only the version that was read; what the body leaves out is cleared, and visibility falls back to private.
/// </summary>
internal static class UpdateProfile
{
    internal sealed record Request(
        string? DisplayName, string? Headline, string? Biography, IReadOnlyList<string?>? Languages, string? TimeZone, string? Visibility);

    /// <param name="IfMatch">Entity tags of which the stored version must be one; empty: any version.</param>
    internal sealed record Command(
        string UserId,
        string? DisplayName,
        string? Headline,
        string? Biography,
        IReadOnlyList<string?> Languages,
        string? TimeZone,
        string Visibility,
        IReadOnlyList<string> IfMatch) : IRequest<Outcome<Profile>>, IIdempotent;

    internal sealed class Endpoint : ICarterModule
    {
        public void AddRoutes(IEndpointRouteBuilder app) => app
            .MapPut("/api/profiles/{id}", async (string id, Request request, HttpContext context, Caller caller, IMediator mediator, ProfileReading reading, CancellationToken ct) =>
            {
                var outcome = await mediator.Send(
                    new Command(
                        caller.Named(id), request.DisplayName, request.Headline, request.Biography, request.Languages ?? [], request.TimeZone,
                        request.Visibility ?? "private", ProfileStreams.Tags(context.Request)),
                    ct);
                return outcome.Refusal is { } refusal ? refusal.ToHttp() : ProfileAnswer.Of(context, await reading.Whole(outcome.Answer, ct));
            })
            .RequireOwnership("id", "admin")
            .WithName(nameof(UpdateProfile))
            .WithTags("profiles")
            .Produces<ProfileAnswer>()
            .ProducesProblem(StatusCodes.Status400BadRequest)
            .ProducesProblem(StatusCodes.Status404NotFound)
            .ProducesProblem(StatusCodes.Status412PreconditionFailed);
    }

    internal sealed class Validator : AbstractValidator<Command>
    {
        private const int MostLanguages = 20;

        public Validator()
        {
            RuleFor(command => command.DisplayName).Must(ProfileText.IsStorable).MaximumLength(100);
            RuleFor(command => command.Headline).Must(ProfileText.IsStorable).MaximumLength(200);
            RuleFor(command => command.Biography).Must(ProfileText.IsStorable).MaximumLength(4000);
            RuleFor(command => command.Languages)
                .Must(languages => languages.Count <= MostLanguages).WithMessage($"At most {MostLanguages} languages.")
                .Must(languages => languages.Distinct(StringComparer.OrdinalIgnoreCase).Count() == languages.Count).WithMessage("A language is named twice.");
            RuleForEach(command => command.Languages)
                .Must(ProfileText.IsLanguageTag).WithMessage("'{PropertyValue}' is not a language tag such as 'en' or 'pt-BR' (BCP 47).");
            RuleFor(command => command.TimeZone)
                .Must(zone => zone is null || ProfileText.IsTimeZone(zone)).WithMessage("Not a time zone such as 'Europe/Berlin' (IANA).");
            RuleFor(command => command.Visibility)
                .Must(visibility => visibility is "private" or "members" or "public").WithMessage("One of private, members, public.");
        }
    }

    internal sealed class Handler(ProfileStreams profiles) : IRequestHandler<Command, Outcome<Profile>>
    {
        public async Task<Outcome<Profile>> Handle(Command command, CancellationToken ct)
        {
            var opened = await profiles.Open(command.UserId, command.IfMatch, ct);
            return opened.Refusal is { } refusal
                ? refusal
                : await opened.Answer.Append(Decide(opened.Answer.Profile, command, opened.Answer.Now), ct);
        }
    }

    /// <summary>A profile that says all this already is not changed by saying it again: null.</summary>
    internal static ProfileUpdated? Decide(Profile profile, Command command, DateTimeOffset now)
    {
        var updated = new ProfileUpdated(
            profile.UserId, command.DisplayName, command.Headline, command.Biography, [.. command.Languages.OfType<string>()],
            command.TimeZone, Enum.Parse<Visibility>(command.Visibility, ignoreCase: true), now);
        var isSame = updated.DisplayName == profile.DisplayName && updated.Headline == profile.Headline
            && updated.Biography == profile.Biography && updated.Languages!.SequenceEqual(profile.Languages)
            && updated.TimeZone == profile.TimeZone && updated.Visibility == profile.Visibility;
        return isSame ? null : updated;
    }
}

/// <summary>The whole profile as it is from now on.</summary>
internal sealed record ProfileUpdated(
    string UserId,
    [PersonalData] string? DisplayName,
    [PersonalData] string? Headline,
    [PersonalData] string? Biography,
    [PersonalData] IReadOnlyList<string>? Languages,
    [PersonalData] string? TimeZone,
    Visibility Visibility,
    DateTimeOffset At);
