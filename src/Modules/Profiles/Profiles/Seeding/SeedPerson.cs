using MediatR;
using Modular.Identity.Contracts;
using Modular.Kernel;
using Modular.Profiles.Contracts;

namespace Modular.Profiles;

/// <summary>The operator makes somebody to try things with: <c>db seed</c>.</summary>
internal static class SeedPerson
{
    internal sealed class Handler(IMediator mediator, Caller caller, Introduction introduction) : IRequestHandler<Contracts.SeedPerson, SeededPerson>
    {
        public async Task<SeededPerson> Handle(Contracts.SeedPerson person, CancellationToken ct)
        {
            var made = await mediator.Send(
                new SeedUsers([new SeedUser(person.UserId, person.Name, person.Email)], person.Password, person.Role), ct);
            if (made.Problem is not null)
                return new(IsNew: false, IsGone: false, default, made.Problem);
            if (made.New.Count == 1)
            {
                // They tell it themselves.
                caller.UserId = person.UserId;
                await introduction.Tell(person, ct);
            }

            return new(made.New.Count == 1, made.Gone.Count == 1, made.FirstAt!.Value, null);
        }
    }
}

/// <summary>Somebody introduces themselves, as they would over HTTP: by the same commands, under the same rules.</summary>
internal sealed class Introduction(IMediator mediator)
{
    private static readonly DayOfWeek[] WorkingDays =
        [DayOfWeek.Monday, DayOfWeek.Tuesday, DayOfWeek.Wednesday, DayOfWeek.Thursday, DayOfWeek.Friday];

    public async Task Tell(Contracts.SeedPerson person, CancellationToken ct)
    {
        await Send(new UpdateProfile.Command(
            person.UserId, person.Name, person.Headline, person.Biography, person.Languages, person.TimeZone, "members", []), ct);
        if (person.Mentor is { } mentor)
        {
            var expertise = mentor.Expertise.Select(text => new DescribeMentor.WishedExpertise(text[..text.LastIndexOf(':')], text[(text.LastIndexOf(':') + 1)..]));
            await Send(new DescribeMentor.Command(person.UserId, person.Biography, [.. expertise], person.Languages, mentor.Capacity, Accepts: true, []), ct);
            var rules = WorkingDays.SelectMany(day => mentor.Times.Select(part => new SetAvailability.WishedRule(day.ToString(), part.Split('-')[0], part.Split('-')[1])));
            await Send(new SetAvailability.Command(person.UserId, person.TimeZone, mentor.SlotMinutes, [.. rules], [], []), ct);
        }

        if (person.Mentee is { } mentee)
            await Send(new DescribeMentee.Command(person.UserId, mentee.Goals, [.. mentee.Interests], []), ct);
    }

    private async Task Send(IRequest<Outcome<Profile>> command, CancellationToken ct)
    {
        if ((await mediator.Send(command, ct)).Refusal is { } refusal)
            throw new InvalidOperationException($"{command} was refused: {refusal.Message}");
    }
}
