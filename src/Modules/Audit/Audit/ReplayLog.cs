using System.Runtime.CompilerServices;
using MediatR;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Modular.Audit.Contracts;
using Modular.Kernel;
using Modular.Store;

namespace Modular.Audit;

/// <summary>
/// An administrator replays the log from a position or a time, as NDJSON or as server-sent events that go on with what
/// is added: <c>GET /api/audit/replay</c>.
/// </summary>
internal static class ReplayLog
{
    internal sealed class Endpoint : ICarterModule
    {
        public void AddRoutes(IEndpointRouteBuilder app) => app
            .MapGet("/api/audit/replay", async (
                [AsParameters] ReplayText text, [AsParameters] EntryFilterText filters, HttpContext context, IMediator mediator, LogBoundaries boundaries, CancellationToken ct) =>
            {
                var shape = ReplayShape.Read(text.Format, context.Request.Headers.Accept.ToString());
                if (shape.Refusal is { } unknown)
                    return unknown.ToHttp();
                var resumed = shape.Answer.IsStream ? context.Request.Headers["Last-Event-ID"].ToString() : "";
                var wanted = text.Read(filters, resumed, shape.Answer);
                if (wanted.Refusal is { } wrong)
                    return wrong.ToHttp();
                // From 0 is from the beginning, wherever that is by now; whoever names another position means it.
                return wanted.Answer.From > 0 && await boundaries.Refuse(wanted.Answer.From, ct) is { } dropped
                    ? dropped.ToHttp()
                    : new ReplayStream(await mediator.Send(wanted.Answer, ct), shape.Answer, isRest: resumed.Length > 0 && !wanted.Answer.Follow);
            })
            .RequireRole("admin")
            .WithName(nameof(ReplayLog))
            .Produces(StatusCodes.Status200OK, contentType: ReplayShape.Ndjson)
            .ProducesProblem(StatusCodes.Status400BadRequest);
    }

    internal sealed class Handler(EntryLog log, FeedSignal signal, TimeProvider clock) : IRequestHandler<Contracts.ReplayLog, IAsyncEnumerable<LogEntry>>
    {
        private static readonly TimeSpan Soonest = TimeSpan.FromMilliseconds(20);
        private static readonly TimeSpan Latest = TimeSpan.FromSeconds(2);

        public Task<IAsyncEnumerable<LogEntry>> Handle(Contracts.ReplayLog request, CancellationToken cancellationToken) =>
            Task.FromResult(Replay(request, CancellationToken.None));

        // The hint comes when events are committed, a moment before they are entries: so look again soon, then less and less.
        private async IAsyncEnumerable<LogEntry> Replay(Contracts.ReplayLog request, [EnumeratorCancellation] CancellationToken ct)
        {
            var filter = EntryFilter.Of(request.Filter) with { Since = request.Since, Until = request.Until };
            var position = request.From >= 0 ? request.From : await log.Last(-request.From, filter with { To = request.To }, ct);
            var pace = new ReplayPace(request, clock);
            for (var wait = Soonest; ; wait = TimeSpan.FromTicks(Math.Min(Latest.Ticks, wait.Ticks * 2)))
            {
                var hint = signal.Next;
                // What lies before the head is looked at once, also where it does not pass the filter.
                var head = Math.Min(await log.Head(ct), request.To ?? long.MaxValue);
                if (head > position)
                    wait = Soonest;
                while (position < head)
                {
                    var end = head;
                    await foreach (var chunk in log.From(position, filter with { To = head }, ct))
                    {
                        pace.HasRead();
                        foreach (var entry in chunk)
                        {
                            await pace.Wait(entry, ct);
                            // Read long ago: who is in it may have been erased meanwhile, so it is read again.
                            if (pace.IsStale)
                            {
                                end = entry.Position;
                                break;
                            }

                            pace.Passed(entry);
                            yield return new LogEntry(entry.Position, EntryFormats.Write(entry, request.Format));
                        }

                        if (end < head)
                            break;
                    }

                    position = end;
                }

                if (!request.Follow)
                    yield break;
                await Task.Delay(Soonest, ct);
                await Task.WhenAny(hint, Task.Delay(wait, ct));
                ct.ThrowIfCancellationRequested();
            }
        }
    }
}
