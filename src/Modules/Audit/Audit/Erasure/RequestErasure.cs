using System.Globalization;
using System.Text.RegularExpressions;
using MediatR;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Modular.Audit.Contracts;
using Modular.Identity.Contracts;
using Modular.Kernel;
using Modular.Store;

namespace Modular.Audit;

/// <summary>
/// An administrator, or the operator, erases somebody who has no account any more, or an address that is nobody's:
/// <c>POST /api/audit/erasures</c>, <c>audit erase</c>.
/// </summary>
internal static partial class RequestErasure
{
    internal sealed record Request(string? Subject);

    internal sealed record Command(string SubjectId, string Reason, bool WithAccount) : IRequest<Outcome<ErasedSubject>>, IIdempotent;

    internal static readonly Refusal InvalidSubject = Refusal.BadRequest("invalid_subject", "A subject is the id of a user, address:HASH or anonymous:YYYY-MM");
    internal static readonly Refusal NotFound = Refusal.NotFound("subject_not_found", "Nothing is known of this subject");
    internal static readonly Refusal HasAccount = Refusal.Conflict("subject_has_account", "This user has an account: delete it first");
    internal static readonly Refusal MonthNotOver = Refusal.Conflict("month_not_over", "What nobody is known by is erased a month at a time, once that is over");
    internal static readonly Refusal LastAdministrator = Refusal.Conflict("last_administrator", "Somebody else has to be an administrator first");

    internal sealed class Endpoint : ICarterModule
    {
        public void AddRoutes(IEndpointRouteBuilder app) => app
            .MapPost("/api/audit/erasures", async (Request request, IMediator mediator, CancellationToken ct) =>
            {
                var outcome = await mediator.Send(new Command(request.Subject ?? "", "by_administrator", WithAccount: false), ct);
                return outcome.ToHttp(erased => TypedResults.Ok(new { subject = erased.SubjectId, isNew = erased.IsNew }));
            })
            .RequireRole("admin")
            .WithName(nameof(RequestErasure))
            .Produces(StatusCodes.Status200OK)
            .ProducesProblem(StatusCodes.Status400BadRequest)
            .ProducesProblem(StatusCodes.Status404NotFound)
            .ProducesProblem(StatusCodes.Status409Conflict);
    }

    internal sealed class Handler(SubjectKeys keys, EntryLog log, IMediator mediator, Refusals refusals, TimeProvider clock)
        : IRequestHandler<Command, Outcome<ErasedSubject>>
    {
        public async Task<Outcome<ErasedSubject>> Handle(Command command, CancellationToken cancellationToken)
        {
            var subject = command.SubjectId;
            // Whatever else somebody types, an address above all, goes nowhere.
            if (!Subjects().IsMatch(subject))
                return InvalidSubject;
            var hasAccount = (await mediator.Send(new DescribePeople([subject]), cancellationToken)).Count > 0;
            var key = await keys.Find(subject, cancellationToken);
            var isKnown = hasAccount || key is not null || await log.IsAbout(subject, cancellationToken);
            if (Decide(subject, isKnown, hasAccount && !command.WithAccount, clock.GetUtcNow()) is { } refusal)
                return Refuse(subject, refusal);
            if (hasAccount)
            {
                // With its account goes its key, and the entry says so.
                return await mediator.Send(new EndUser(subject, command.Reason), cancellationToken)
                    ? new ErasedSubject(subject, IsNew: true)
                    : Refuse(subject, LastAdministrator);
            }

            await mediator.Send(new Contracts.EraseSubject(subject, [], command.Reason), cancellationToken);
            return new ErasedSubject(subject, IsNew: key is not { IsShredded: true });
        }

        private Refusal Refuse(string subject, Refusal refusal)
        {
            var now = clock.GetUtcNow();
            refusals.Record(StreamOf(now), ErasureRefused.Of(subject, refusal, now));
            return refusal;
        }
    }

    /// <summary>Asked by contract, whose answer is no refusal to the pipeline: so the event is staged like any other.</summary>
    internal sealed class ContractHandler(IMediator mediator, IDocumentSession store, TimeProvider clock)
        : IRequestHandler<Contracts.RequestErasure, ErasedSubject>
    {
        public async Task<ErasedSubject> Handle(Contracts.RequestErasure request, CancellationToken cancellationToken)
        {
            var outcome = await mediator.Send(new Command(request.SubjectId, request.Reason, request.WithAccount), cancellationToken);
            if (outcome.Refusal is not { } refusal)
                return outcome.Answer;
            var now = clock.GetUtcNow();
            if (refusal != InvalidSubject)
                store.Events.Append(StreamOf(now), ErasureRefused.Of(request.SubjectId, refusal, now));
            return new ErasedSubject(request.SubjectId, IsNew: false, refusal.Code, refusal.Message);
        }
    }

    /// <summary>Null: they may be erased. Of those who have an account events still come, which would have no key.</summary>
    internal static Refusal? Decide(string subject, bool isKnown, bool hasAccount, DateTimeOffset now)
    {
        if (!isKnown)
            return NotFound;
        if (AnonymousMonth().IsMatch(subject) && string.CompareOrdinal(subject["anonymous:".Length..], now.UtcDateTime.ToString("yyyy-MM", CultureInfo.InvariantCulture)) >= 0)
            return MonthNotOver;
        return hasAccount ? HasAccount : null;
    }

    private static string StreamOf(DateTimeOffset now) => $"erasure-refusal:{Guid.CreateVersion7(now):N}";

    // Ids as an import lets them in.
    [GeneratedRegex(@"^(?:[A-Za-z0-9_.|-]{1,64}|address:[0-9a-f]{64}|anonymous:[0-9]{4}-(?:0[1-9]|1[0-2]))\z", RegexOptions.CultureInvariant)]
    private static partial Regex Subjects();

    [GeneratedRegex(@"^anonymous:\d{4}-\d{2}$", RegexOptions.CultureInvariant)]
    private static partial Regex AnonymousMonth();
}

/// <summary>Somebody was to be erased, and was not.</summary>
/// <param name="SubjectId">Null: nobody is known by what was typed, so it may be anything.</param>
/// <param name="Reason">The code of the answer.</param>
internal sealed record ErasureRefused(string? SubjectId, string Reason, DateTimeOffset At)
{
    public static ErasureRefused Of(string subject, Refusal refusal, DateTimeOffset now) =>
        new(refusal == RequestErasure.NotFound ? null : subject, refusal.Code, now);
}
