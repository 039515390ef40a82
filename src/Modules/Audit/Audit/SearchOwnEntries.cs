using MediatR;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Modular.Kernel;

namespace Modular.Audit;

/// <summary>Users see what they did and what was done to them, newest first: <c>GET /api/audit/me</c>.</summary>
internal static class SearchOwnEntries
{
    internal sealed record Query(string User, EntryFilter Filter, EntryCursor Cursor) : IRequest<EntryPage>;

    internal sealed class Endpoint : ICarterModule
    {
        public void AddRoutes(IEndpointRouteBuilder app) => app
            .MapGet("/api/audit/me", async (
                [AsParameters] EntryFilterText filters, [AsParameters] EntryRange range,
                [AsParameters] EntryPlace place, Caller caller, IMediator mediator, CancellationToken ct) =>
            {
                // Whom it is about is not for the caller to say, and words and addresses would tell what is hidden.
                var filter = range.Narrow((filters with { Actor = null, Subject = null, Session = null, Ip = null, UserAgent = null, Q = null }).Read());
                if (filter.Refusal is { } wrong)
                    return wrong.ToHttp();
                var cursor = EntryBounds.Cursor(place);
                return cursor.Refusal is { } wrongCursor
                    ? wrongCursor.ToHttp()
                    : EntryJson.Page(await mediator.Send(new Query(caller.UserId!, filter.Answer, cursor.Answer), ct), new EntrySight(caller.UserId));
            })
            .RequireSession()
            .WithName(nameof(SearchOwnEntries))
            .Produces(StatusCodes.Status200OK)
            .ProducesProblem(StatusCodes.Status400BadRequest);
    }

    internal sealed class Handler(EntryLog log) : IRequestHandler<Query, EntryPage>
    {
        public Task<EntryPage> Handle(Query request, CancellationToken cancellationToken) =>
            log.Page(EntryLog.FiltersOf(request.User, request.Filter), request.Cursor, cancellationToken);
    }
}
