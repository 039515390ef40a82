using System.Globalization;
using System.Text.RegularExpressions;
using FluentValidation;
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

    internal sealed class Validator : AbstractValidator<Command>
    {
        public Validator() => RuleFor(command => command.SubjectId).NotEmpty().MaximumLength(SearchRow.LongestValue)
            .Must(subject => !subject.Any(char.IsControl)).WithName("subject");
    }

    internal sealed class Handler(SubjectKeys keys, EntryLog log, IMediator mediator, Refusals refusals, TimeProvider clock)
        : IRequestHandler<Command, Outcome<ErasedSubject>>, IRequestHandler<Contracts.RequestErasure, ErasedSubject>
    {
        public async Task<Outcome<ErasedSubject>> Handle(Command command, CancellationToken cancellationToken)
        {
            var subject = command.SubjectId;
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

        public async Task<ErasedSubject> Handle(Contracts.RequestErasure request, CancellationToken cancellationToken)
        {
            var outcome = await Handle(new Command(request.SubjectId, request.Reason, request.WithAccount), cancellationToken);
            return outcome.Refusal is { } refusal ? new ErasedSubject(request.SubjectId, IsNew: false, refusal.Code, refusal.Message) : outcome.Answer;
        }

        private Refusal Refuse(string subject, Refusal refusal)
        {
            var now = clock.GetUtcNow();
            refusals.Record($"erasure-refusal:{Guid.CreateVersion7(now):N}", new ErasureRefused(subject, refusal.Code, now));
            return refusal;
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

    [GeneratedRegex(@"^anonymous:\d{4}-\d{2}$", RegexOptions.CultureInvariant)]
    private static partial Regex AnonymousMonth();
}

/// <summary>Somebody was to be erased, and was not.</summary>
/// <param name="Reason">The code of the answer.</param>
internal sealed record ErasureRefused(string SubjectId, string Reason, DateTimeOffset At);
