using System.Globalization;
using FluentValidation;
using MediatR;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Modular.Kernel;

namespace Modular.Profiles;

/// <summary>
/// A mentor says when they have time: every week, and otherwise on some days: <c>PUT /api/mentors/{id}/availability</c>. With
/// <c>If-Match</c> only the version of the profile that was read.
/// </summary>
internal static class SetAvailability
{
    internal sealed record Request(
        string? TimeZone, int? SlotMinutes, IReadOnlyList<WishedRule?>? Rules, IReadOnlyList<WishedException?>? Exceptions);

    internal sealed record WishedRule(string? Day, string? From, string? To);

    internal sealed record WishedPart(string? From, string? To);

    internal sealed record WishedException(string? From, string? To, IReadOnlyList<WishedPart?>? Times);

    internal sealed record Command(
        string UserId, string? TimeZone, int SlotMinutes, IReadOnlyList<WishedRule?> Rules, IReadOnlyList<WishedException?> Exceptions, IReadOnlyList<string> IfMatch)
        : IRequest<Outcome<Profile>>, IIdempotent;

    internal static readonly Refusal NotAMentor = Refusal.Conflict("not_a_mentor", "Whoever has time for office sessions is a mentor first");

    private const int UsualSlot = 30;

    internal sealed class Endpoint : ICarterModule
    {
        public void AddRoutes(IEndpointRouteBuilder app) => app
            .MapPut("/api/mentors/{id}/availability", async (string id, Request request, HttpContext context, Caller caller, IMediator mediator, CancellationToken ct) =>
            {
                var outcome = await mediator.Send(
                    new Command(
                        caller.Named(id), request.TimeZone, request.SlotMinutes ?? UsualSlot, request.Rules ?? [], request.Exceptions ?? [],
                        ProfileStreams.Tags(context.Request)),
                    ct);
                return outcome.ToHttp(profile =>
                {
                    context.Response.Headers.ETag = profile.Tag;
                    return WireJson.Ok(AvailabilityAnswer.Of(profile));
                });
            })
            .RequireOwnership("id", ProfileSight.Staff)
            .WithName(nameof(SetAvailability))
            .WithTags("mentoring")
            .Produces<AvailabilityAnswer>()
            .ProducesProblem(StatusCodes.Status400BadRequest)
            .ProducesProblem(StatusCodes.Status409Conflict)
            .ProducesProblem(StatusCodes.Status412PreconditionFailed);
    }

    internal sealed class Validator : AbstractValidator<Command>
    {
        private const int MostRules = 100;
        private const int MostParts = 10;
        private const string NoPart = "Times of day such as '09:00' and '12:30', the second one later; '24:00' ends a day.";

        public Validator()
        {
            RuleFor(command => command.TimeZone)
                .Must(zone => zone is not null && ProfileText.IsTimeZone(zone)).WithMessage("A time zone such as 'Europe/Berlin' (IANA).");
            RuleFor(command => command.SlotMinutes)
                .Must(Availability.SlotLengths.Contains).WithMessage($"One of {string.Join(", ", Availability.SlotLengths)}.");
            RuleFor(command => command.Rules).Must(rules => rules.Count <= MostRules).WithMessage($"At most {MostRules} rules.");
            RuleForEach(command => command.Rules)
                .Must(rule => DayOf(rule?.Day) is not null).WithMessage("The day is one of monday, tuesday, wednesday, thursday, friday, saturday, sunday.")
                .Must(rule => PartOf(rule?.From, rule?.To) is not null).WithMessage(NoPart);
            RuleFor(command => command.Exceptions)
                .Must(exceptions => exceptions.Count <= MostRules).WithMessage($"At most {MostRules} exceptions.")
                .Must(Disjoint).WithMessage("Two exceptions share a day.");
            RuleForEach(command => command.Exceptions)
                .Must(exception => DaysOf(exception) is not null).WithMessage("Days such as '2026-12-24', the first one not after the last.")
                .Must(exception => exception?.Times is not { Count: > MostParts }).WithMessage($"At most {MostParts} times.")
                .Must(exception => exception?.Times?.All(part => PartOf(part?.From, part?.To) is not null) != false).WithMessage(NoPart);
        }

        private static bool Disjoint(IReadOnlyList<WishedException?> exceptions)
        {
            var days = exceptions.Select(DaysOf).OfType<(DateOnly From, DateOnly To)>().OrderBy(span => span.From).ToList();
            return days.Zip(days.Skip(1)).All(pair => pair.First.To < pair.Second.From);
        }
    }

    internal sealed class Handler(ProfileStreams profiles) : IRequestHandler<Command, Outcome<Profile>>
    {
        public async Task<Outcome<Profile>> Handle(Command command, CancellationToken ct)
        {
            var opened = await profiles.Open(command.UserId, command.IfMatch, ct);
            if (opened.Refusal is { } refusal)
                return refusal;
            var open = opened.Answer;
            return open.Profile.Mentor is null ? NotAMentor : await open.Append(Decide(open.Profile, command, open.Now), ct);
        }
    }

    /// <summary>Null: it is so already.</summary>
    internal static AvailabilitySet? Decide(Profile profile, Command command, DateTimeOffset now)
    {
        var set = new AvailabilitySet(
            command.UserId, command.TimeZone, command.SlotMinutes,
            [.. command.Rules.Select(rule => new WeeklyRule(DayOf(rule!.Day)!.Value, PartOf(rule.From, rule.To)!))],
            [
                .. command.Exceptions.Select(exception => new DayException(
                    DaysOf(exception)!.Value.From, DaysOf(exception)!.Value.To,
                    [.. (exception!.Times ?? []).Select(part => PartOf(part!.From, part.To)!)])),
            ],
            now);
        return Availability.Of(set).IsSame(profile.Availability) ? null : set;
    }

    private static DayOfWeek? DayOf(string? text) => Enum.GetValues<DayOfWeek>().Cast<DayOfWeek?>()
        .FirstOrDefault(day => string.Equals(day.ToString(), text, StringComparison.OrdinalIgnoreCase));

    private static DayPart? PartOf(string? from, string? to) =>
        DayPart.Minutes(from) is { } start && DayPart.Minutes(to) is { } end && start < end ? new(start, end) : null;

    private static (DateOnly From, DateOnly To)? DaysOf(WishedException? exception) =>
        DateOnly.TryParseExact(exception?.From, "yyyy-MM-dd", CultureInfo.InvariantCulture, DateTimeStyles.None, out var from)
        && DateOnly.TryParseExact(exception?.To ?? exception?.From, "yyyy-MM-dd", CultureInfo.InvariantCulture, DateTimeStyles.None, out var to) && from <= to
            ? (from, to)
            : null;
}
