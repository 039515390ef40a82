using MediatR;
using Modular.Identity.Contracts;
using Modular.Kernel;
using Modular.Sessions.Contracts;
using Modular.Store;

namespace Modular.Profiles;

/// <summary>
/// Puts a profile together with what others know: Identity names, roles and status as they are at this moment, Sessions when
/// somebody last signed in. Shows each caller what they may see.
/// </summary>
internal sealed class ProfileReading(IQuerySession store, IMediator mediator, Caller caller, TimeProvider clock)
{
    private const int NextSessions = 5;

    /// <summary>Null: there is no such user.</summary>
    public async Task<ProfileAnswer?> Whole(Profile profile, CancellationToken ct)
    {
        if ((await mediator.Send(new DescribePeople([profile.UserId]), ct)).SingleOrDefault() is not { } person)
            return null;
        var answer = ProfileAnswer.Shown(profile, person);
        if (!caller.SeesAllOf(profile.UserId))
            return answer;
        var signIns = await mediator.Send(new FindLastSignIns([profile.UserId]), ct);
        var sessions = await store.QueryAsync<OfficeSession>(
            "where (d.mentor_id = ? or d.mentee_id = ?) and d.ends_at > ? and d.status in ('Requested', 'Confirmed') order by d.starts_at, d.id limit ?",
            ct, profile.UserId, profile.UserId, clock.GetUtcNow(), NextSessions);
        return answer.InFull(person, signIns) with
        {
            NextOfficeSessions = [.. sessions.Select(session => new NextOfficeSession(
                session.Id, session.MentorId, session.MenteeId, session.StartsAt, session.EndsAt, session.StatusName))],
        };
    }

    /// <summary>Many at once, for those who look after people; without their office sessions.</summary>
    public async Task<IReadOnlyList<ProfileAnswer>> Many(IReadOnlyList<PersonFacts> people, CancellationToken ct)
    {
        string[] ids = [.. people.Select(person => person.UserId)];
        var profiles = (await store.LoadManyAsync<Profile>(ids, ct)).ToDictionary(profile => profile.UserId);
        var signIns = await mediator.Send(new FindLastSignIns(ids), ct);
        return
        [
            .. people.Select(person => ProfileAnswer
                .Shown(profiles.GetValueOrDefault(person.UserId) ?? Profile.Unopened(person.UserId), person).InFull(person, signIns)),
        ];
    }

    /// <summary>What people are called: as they say themselves, else as they signed up.</summary>
    public async Task<IReadOnlyDictionary<string, string>> Names(IEnumerable<string?> userIds, CancellationToken ct)
    {
        string[] ids = [.. userIds.OfType<string>().Distinct()];
        var own = (await store.LoadManyAsync<Profile>(ids, ct)).ToDictionary(profile => profile.UserId, profile => profile.DisplayName);
        return (await mediator.Send(new DescribePeople(ids), ct))
            .ToDictionary(person => person.UserId, person => own.GetValueOrDefault(person.UserId) ?? person.Name);
    }
}
