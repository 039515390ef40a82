using MediatR;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Modular.Audit.Contracts;
using Modular.Kernel;

namespace Modular.Audit;

/// <summary>
/// An administrator asks who was signed in where, with which roles and memberships, at a time: <c>GET /api/audit/as-of</c>.
/// </summary>
internal static class ReadStateAsOf
{
    internal sealed class Endpoint(TimeProvider clock) : ICarterModule
    {
        public void AddRoutes(IEndpointRouteBuilder app) => app
            .MapGet("/api/audit/as-of", async (string? at, [AsParameters] PastRange range, IMediator mediator, CancellationToken ct) =>
            {
                var time = PastRange.ReadTime(at, clock.GetUtcNow());
                if (time.Refusal is { } wrong)
                    return wrong.ToHttp();
                var limit = range.ReadLimit();
                return limit.Refusal is { } wrongLimit
                    ? wrongLimit.ToHttp()
                    : WireJson.Ok(await mediator.Send(new StateAsOf(time.Answer, range.User, range.After, limit.Answer), ct));
            })
            .RequireRole("admin")
            .WithName(nameof(ReadStateAsOf))
            .Produces<PastState>()
            .ProducesProblem(StatusCodes.Status400BadRequest);
    }

    internal sealed class Handler(PastPeople people) : IRequestHandler<StateAsOf, PastState>
    {
        public async Task<PastState> Handle(StateAsOf request, CancellationToken cancellationToken)
        {
            var (entries, isComplete) = await people.Log(cancellationToken);
            IReadOnlyList<string> ids = string.IsNullOrEmpty(request.UserId)
                ? await people.Between(request.At, request.At, request.After, request.Limit, cancellationToken)
                : [request.UserId];
            var users = new List<PastPerson>();
            foreach (var id in ids.Take(request.Limit))
            {
                if (await people.At(id, cancellationToken, request.At) is [{ } person])
                    users.Add(person);
            }

            return new PastState(request.At, entries, isComplete, users, ids.Count > request.Limit ? ids[request.Limit - 1] : null);
        }
    }
}
