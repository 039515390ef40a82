using MediatR;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Modular.Audit.Contracts;
using Modular.Kernel;

namespace Modular.Audit;

/// <summary>An administrator asks what was not the same at two times: <c>GET /api/audit/as-of/difference</c>.</summary>
internal static class ReadDifferenceAsOf
{
    private static readonly Refusal InvalidRange = Refusal.BadRequest("invalid_range", "The end of the range has to come after its beginning");

    internal sealed class Endpoint(TimeProvider clock) : ICarterModule
    {
        public void AddRoutes(IEndpointRouteBuilder app) => app
            .MapGet("/api/audit/as-of/difference", async (
                string? from, string? to, [AsParameters] PastRange range, IMediator mediator, CancellationToken ct) =>
            {
                var (begin, end, limit) = (PastRange.ReadTime(from, clock.GetUtcNow()), PastRange.ReadTime(to, clock.GetUtcNow()), range.ReadLimit());
                if ((begin.Refusal ?? end.Refusal ?? limit.Refusal) is { } wrong)
                    return wrong.ToHttp();
                return begin.Answer >= end.Answer
                    ? InvalidRange.ToHttp()
                    : WireJson.Ok(await mediator.Send(new DifferenceAsOf(begin.Answer, end.Answer, range.User, range.After, limit.Answer), ct));
            })
            .RequireRole("admin")
            .WithName(nameof(ReadDifferenceAsOf))
            .Produces<PastDifference>()
            .ProducesProblem(StatusCodes.Status400BadRequest);
    }

    internal sealed class Handler(PastPeople people) : IRequestHandler<DifferenceAsOf, PastDifference>
    {
        public async Task<PastDifference> Handle(DifferenceAsOf request, CancellationToken cancellationToken)
        {
            var (entries, isComplete) = await people.Log(cancellationToken);
            IReadOnlyList<string> ids = string.IsNullOrEmpty(request.UserId)
                ? await people.Between(request.From, request.To, request.After, request.Limit, cancellationToken)
                : [request.UserId];
            var users = new List<PersonDifference>();
            foreach (var id in ids.Take(request.Limit))
            {
                var states = await people.At(id, cancellationToken, request.From, request.To);
                if (Decide(id, states[0], states[1]) is { } difference)
                    users.Add(difference);
            }

            return new PastDifference(request.From, request.To, entries, isComplete, users, ids.Count > request.Limit ? ids[request.Limit - 1] : null);
        }
    }

    /// <summary>Null: the same. Whoever was not there, or is gone, has no roles, sessions or memberships.</summary>
    internal static PersonDifference? Decide(string id, PastPerson? before, PastPerson? after)
    {
        var (from, to) = (Present(before), Present(after));
        var (had, has) = (from?.Memberships ?? [], to?.Memberships ?? []);
        var (open, now) = (from?.Sessions ?? [], to?.Sessions ?? []);
        var difference = new PersonDifference(
            id,
            IsNew: from is null && to is not null,
            IsGone: from is not null && to is null,
            Between(from is null ? null : string.Join(',', from.Roles), to is null ? null : string.Join(',', to.Roles)),
            Between(from?.Status, to?.Status),
            [.. now.Where(session => open.All(other => other.Id != session.Id))],
            [.. open.Where(session => now.All(other => other.Id != session.Id))],
            [.. has.Where(member => had.All(other => other.OrganizationId != member.OrganizationId))],
            [.. had.Where(member => has.All(other => other.OrganizationId != member.OrganizationId))],
            [.. has.Where(member => had.Any(other => other.OrganizationId == member.OrganizationId && !IsSame(other, member)))]);
        var isSame = difference is { IsNew: false, IsGone: false, Roles: null, Status: null }
            and { SessionsStarted.Count: 0, SessionsEnded.Count: 0 }
            and { MembershipsBegun.Count: 0, MembershipsEnded.Count: 0, MembershipsChanged.Count: 0 };
        return isSame ? null : difference;
    }

    private static PastPerson? Present(PastPerson? person) => person is { DeletedAt: null } ? person : null;

    // Whoever left and came back is told as changed: since when says so.
    private static bool IsSame(PastMembership one, PastMembership other) =>
        one.Role == other.Role && one.Since == other.Since && one.Teams.SequenceEqual(other.Teams);

    private static ValueDifference? Between(string? from, string? to) => from == to ? null : new ValueDifference(from, to);
}
