using MediatR;
using Modular.Profiles.Contracts;
using Modular.Store;

namespace Modular.Profiles;

/// <summary>Another module asks when an office session is, for one of its sides (<see cref="Contracts.DescribeOfficeSession"/>).</summary>
internal static class DescribeOfficeSession
{
    internal sealed class Handler(IDocumentSession store) : IRequestHandler<Contracts.DescribeOfficeSession, OfficeSessionTime?>
    {
        public async Task<OfficeSessionTime?> Handle(Contracts.DescribeOfficeSession query, CancellationToken ct)
        {
            if (await store.LoadAsync<OfficeSession>(query.SessionId, ct) is not { } session || (session.MentorId != query.UserId && session.MenteeId != query.UserId))
                return null;
            var profile = await store.LoadAsync<Profile>(query.UserId, ct);
            return new OfficeSessionTime(session.StartsAt, session.EndsAt, session.StatusName, profile?.TimeZone ?? profile?.Availability?.TimeZone);
        }
    }
}
