using MediatR;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Modular.Audit.Contracts;
using Modular.Kernel;
using Modular.Store;

namespace Modular.Audit;

/// <summary>
/// An administrator, or the operator, pauses a sink, lets it go on, or sends it entries again:
/// <c>POST /api/audit/sinks/{name}/pause</c>, <c>…/resume</c>, <c>…/replay</c>; <c>audit sinks pause|resume|replay</c>.
/// </summary>
internal static class SteerSink
{
    internal sealed record Request(long? From);

    internal sealed record Command(string Name, string Act, long? From) : IRequest<Outcome<string>>, IIdempotent;

    internal static readonly Refusal NotFound = Refusal.NotFound("sink_not_found", "There is no sink of this name");
    internal static readonly Refusal InvalidPosition = Refusal.BadRequest("invalid_position", "A replay begins with a position of the log: from 0 to its end");
    internal static readonly Refusal InvalidAct = Refusal.BadRequest("invalid_act", "A sink is paused, resumed or replayed");

    internal sealed class Endpoint : ICarterModule
    {
        public void AddRoutes(IEndpointRouteBuilder app)
        {
            foreach (var act in (string[])["pause", "resume"])
                Map(app, act).WithName($"{nameof(SteerSink)}.{act}");
            app.MapPost("/api/audit/sinks/{name}/replay", (string name, Request request, IMediator mediator, SinkReport sinks, CancellationToken ct) =>
                    Steer(new Command(name, "replay", request.From), mediator, sinks, ct))
                .RequireRole("admin")
                .WithName($"{nameof(SteerSink)}.replay")
                .Produces<SinkStatus>()
                .ProducesProblem(StatusCodes.Status400BadRequest)
                .ProducesProblem(StatusCodes.Status404NotFound);
        }

        private static RouteHandlerBuilder Map(IEndpointRouteBuilder app, string act) => app
            .MapPost($"/api/audit/sinks/{{name}}/{act}", (string name, IMediator mediator, SinkReport sinks, CancellationToken ct) =>
                Steer(new Command(name, act, null), mediator, sinks, ct))
            .RequireRole("admin")
            .Produces<SinkStatus>()
            .ProducesProblem(StatusCodes.Status404NotFound);

        private static async Task<IResult> Steer(Command command, IMediator mediator, SinkReport sinks, CancellationToken ct)
        {
            var outcome = await mediator.Send(command, ct);
            return outcome.Refusal is { } refusal ? refusal.ToHttp() : TypedResults.Ok(await sinks.Of(outcome.Answer, ct));
        }
    }

    internal sealed class Handler(IDocumentSession store, SinkReport sinks, EntryLog log, TimeProvider clock)
        : IRequestHandler<Command, Outcome<string>>, IRequestHandler<Contracts.SteerSink, SteeredSink>
    {
        public async Task<Outcome<string>> Handle(Command command, CancellationToken cancellationToken)
        {
            if (await sinks.Of(command.Name, cancellationToken) is not { } sink)
                return NotFound;
            if (Decide(command, sink, await log.Head(cancellationToken), clock.GetUtcNow()) is not { } decided)
                return command.Act == "replay" ? InvalidPosition : InvalidAct;
            store.Events.Append($"sink:{command.Name}", decided);
            // A sink that was never served has no row yet, and begins where it is told to.
            store.QueueSqlCommand("insert into audit.sinks (name, next) values (?, ?) on conflict (name) do nothing", command.Name, sink.Next);
            store.QueueSqlCommand(1, decided switch
            {
                SinkPaused => "update audit.sinks set paused = true, attempts = 0, next_attempt = null where name = ?",
                SinkResumed => "update audit.sinks set paused = false, attempts = 0, next_attempt = null where name = ?",
                _ => $"update audit.sinks set next = {command.From}, run = run + 1, attempts = 0, next_attempt = null where name = ?",
            }, command.Name);
            return command.Name;
        }

        public async Task<SteeredSink> Handle(Contracts.SteerSink request, CancellationToken cancellationToken)
        {
            var command = new Command(request.Name, request.Act, request.From);
            var before = await sinks.Of(request.Name, cancellationToken);
            var outcome = await Handle(command, cancellationToken);
            // The caller commits: nobody can read yet what is answered.
            return outcome.Refusal is { } refusal ? new SteeredSink(null, refusal.Message) : new SteeredSink(After(command, before!));
        }
    }

    /// <summary>How a sink is when that is done.</summary>
    internal static SinkStatus After(Command command, SinkStatus sink)
    {
        var next = command.Act == "replay" ? command.From!.Value : sink.Next;
        var isPaused = command.Act == "pause" || (command.Act == "replay" && sink.State == "paused");
        return sink with
        {
            State = sink.State == "not_configured" ? sink.State : isPaused ? "paused" : "running",
            Next = next,
            Behind = sink.Behind + sink.Next - next,
            Attempts = 0,
            NextAttempt = null,
        };
    }

    /// <summary>What happens to it; null: that cannot be done.</summary>
    internal static object? Decide(Command command, SinkStatus sink, long head, DateTimeOffset now) => command.Act switch
    {
        "pause" => new SinkPaused(sink.Name, sink.Next, now),
        "resume" => new SinkResumed(sink.Name, sink.Next, now),
        "replay" when command.From is { } from && from >= 0 && from <= head => new SinkSentBack(sink.Name, sink.Next, from, now),
        _ => null,
    };
}

/// <param name="Next">The first position that it did not get.</param>
internal sealed record SinkPaused(string Sink, long Next, DateTimeOffset At);

/// <param name="Next">The first position that it gets.</param>
internal sealed record SinkResumed(string Sink, long Next, DateTimeOffset At);

/// <summary>A sink gets again what it had, or leaves out what it had not.</summary>
/// <param name="Next">Where it was.</param>
/// <param name="From">The position it goes on with.</param>
internal sealed record SinkSentBack(string Sink, long Next, long From, DateTimeOffset At);
