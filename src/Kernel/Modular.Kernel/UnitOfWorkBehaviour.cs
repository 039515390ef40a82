using MediatR;
using Modular.Store;
using Npgsql;

namespace Modular.Kernel;

/// <summary>The command may run again from its first line: a lost race for a version is run again by the pipeline, a few times.</summary>
public interface IIdempotent;

/// <summary>
/// What a handler declares about its refusals: the event that records one, what is stored with it, and which unique
/// constraint means which.
/// One per scope.
/// </summary>
public sealed class Refusals
{
    private readonly List<(string Stream, object Event)> _events = [];
    private readonly List<(string Sql, object?[] Parameters)> _commands = [];
    private readonly Dictionary<string, (Refusal Refusal, string? Stream, object? Event)> _constraints = [];

    /// <summary>Whether a refusal of this scope's request is in the log already; null: none was recorded.</summary>
    internal bool? AreTold { get; private set; }

    /// <summary>Records a refusal: committed alone, after everything else that was staged is dropped.</summary>
    /// <param name="stream">The stream it is appended to, after whatever is there.</param>
    /// <param name="event">What was refused, and why.</param>
    public void Record(string stream, object @event) => _events.Add((stream, @event));

    /// <summary>
    /// A statement that is committed with a refusal, after its events; with <c>?</c> for each parameter. What has to be
    /// stored either way is staged in the session too: of the two only one is committed.
    /// </summary>
    public void QueueSqlCommand(string sql, params object?[] parameterValues) => _commands.Add((sql, parameterValues));

    /// <summary>A violation of this constraint at the commit is that refusal, recorded by that event.</summary>
    /// <param name="constraint">Name of the unique index.</param>
    /// <param name="refusal">What the caller is told.</param>
    /// <param name="stream">The stream of <paramref name="event"/>.</param>
    /// <param name="event">Null: not recorded.</param>
    public void When(string constraint, Refusal refusal, string? stream = null, object? @event = null) =>
        _constraints[constraint] = (refusal, stream, @event);

    internal (Refusal Refusal, string? Stream, object? Event)? Meaning(string constraint) =>
        _constraints.TryGetValue(constraint, out var declared) ? declared : null;

    internal void AppendTo(IDocumentSession session, IAccessLog? log, Caller caller)
    {
        if (_events.Count > 0)
            AreTold = log?.MayTell(caller) ?? true;
        foreach (var (stream, @event) in AreTold == true ? _events : [])
            session.Events.Append(stream, @event);
        foreach (var (sql, parameters) in _commands)
            session.QueueSqlCommand(sql, parameters);
    }

    internal void Clear()
    {
        _events.Clear();
        _commands.Clear();
        _constraints.Clear();
    }
}

/// <summary>
/// Opens the unit of work of the outermost request and commits it: documents, events and messages together, or, when
/// the answer is a refusal, what belongs to the refusal alone (DESIGN §4).
/// </summary>
internal sealed class UnitOfWorkBehaviour<TRequest, TResponse>(
    IDocumentSession session, UnitOfWork unit, Refusals refusals, Caller caller, IEnumerable<IAccessLog> logs) : IPipelineBehavior<TRequest, TResponse>
    where TRequest : notnull
{
    private const int MostRuns = 5;

    /// <summary>What a slice calls by this name changes nothing but by the events of a refusal.</summary>
    private static readonly bool OnlyReads = typeof(TRequest).Name == "Query";

    private (string? UserId, string? SessionId, IReadOnlyList<string> Roles) before;

    public async Task<TResponse> Handle(
        TRequest request, CancellationToken cancellationToken, RequestHandlerDelegate<TResponse> next)
    {
        if (!unit.TryEnter())
            return await next();
        before = (caller.UserId, caller.SessionId, caller.Roles);
        try
        {
            return await Run(request is IIdempotent, next, cancellationToken);
        }
        finally
        {
            session.EjectAllPendingChanges();
            refusals.Clear();
            unit.Leave();
        }
    }

    private async Task<TResponse> Run(bool mayRetry, RequestHandlerDelegate<TResponse> next, CancellationToken ct)
    {
        for (var run = 1; ; run++)
        {
            TResponse response;
            try
            {
                response = await next();
            }
            catch (NpgsqlException cut) when ((mayRetry || OnlyReads) && run < MostRuns && Outage.WasReading(cut))
            {
                // In the middle of an answer, before anything was committed.
                StartAnew();
                continue;
            }

            if (response is IOutcome { Refusal: not null })
                return await Refuse(response, ct);
            caller.Describe(session.Metadata);
            try
            {
                await session.SaveChangesAsync(ct);
                return response;
            }
            catch (DocumentAlreadyExistsException taken) when (refusals.Meaning(taken.ConstraintName) is { } declared)
            {
                return await Refuse(declared, ct);
            }
            catch (ConcurrencyException) when (mayRetry && run < MostRuns)
            {
                StartAnew();
                // Apart from those who lost with it.
                await Task.Delay(Random.Shared.Next(10 * run), ct);
            }
        }
    }

    private void StartAnew()
    {
        session.EjectAllPendingChanges();
        refusals.Clear();
        ForgetSignIn();
    }

    private async Task<TResponse> Refuse(TResponse response, CancellationToken ct)
    {
        session.EjectAllPendingChanges();
        ForgetSignIn();
        caller.Describe(session.Metadata);
        refusals.AppendTo(session, logs.FirstOrDefault(), caller);
        await session.SaveChangesAsync(ct);
        return response;
    }

    private Task<TResponse> Refuse((Refusal Refusal, string? Stream, object? Event) declared, CancellationToken ct)
    {
        if (declared is { Stream: { } stream, Event: { } @event })
            refusals.Record(stream, @event);
        return Refuse(Outcome.Refused<TResponse>(declared.Refusal), ct);
    }

    // A handler may sign the caller in. Who was not let in after all does not act, not even in the refusal's event.
    private void ForgetSignIn() => (caller.UserId, caller.SessionId, caller.Roles) = before;
}
