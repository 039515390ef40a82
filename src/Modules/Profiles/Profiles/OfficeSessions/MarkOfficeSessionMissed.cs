using FluentValidation;
using MediatR;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Modular.Kernel;
using Modular.Store;

namespace Modular.Profiles;

/// <summary>
/// One side says that the other did not come, or somebody who looks after them says who did not:
/// <c>POST /api/office-sessions/{id}/missed</c>.
/// </summary>
internal static class MarkOfficeSessionMissed
{
    internal sealed record Request(string? By);

    /// <param name="By"><c>mentor</c> or <c>mentee</c>; null: the other side.</param>
    internal sealed record Command(string SessionId, string? By) : IRequest<Outcome<OfficeSession>>, IIdempotent;

    internal static readonly Refusal NotYet = Refusal.Conflict("not_begun", "It has not begun");

    internal sealed class Endpoint : ICarterModule
    {
        public void AddRoutes(IEndpointRouteBuilder app) => app
            .MapPost("/api/office-sessions/{id}/missed", async (string id, Request? request, HttpContext context, IMediator mediator, ProfileReading reading, CancellationToken ct) =>
                await OfficeSessionAnswer.Of(await mediator.Send(new Command(id, request?.By), ct), reading, context))
            .OfOfficeSession(nameof(MarkOfficeSessionMissed))
            .ProducesProblem(StatusCodes.Status400BadRequest);
    }

    internal sealed class Validator : AbstractValidator<Command>
    {
        public Validator() => RuleFor(command => command.By).Must(by => by is null or "mentor" or "mentee").WithMessage("One of mentor, mentee.");
    }

    internal sealed class Handler(IDocumentSession store, OfficeDesk desk) : IRequestHandler<Command, Outcome<OfficeSession>>
    {
        public async Task<Outcome<OfficeSession>> Handle(Command command, CancellationToken ct)
        {
            var opened = await desk.Open(command.SessionId, ct);
            if (opened.Refusal is { } refusal)
                return refusal;
            var session = opened.Answer.Session;
            var (missing, no) = Decide(session, command.By, desk.Actor, desk.IsStaff, desk.Now);
            if (no is not null)
                return desk.Refuse(no, session.Id);
            return session.Status == OfficeSessionStatus.Missed
                ? session
                : await opened.Answer.Append(new OfficeSessionMissed(session.Id, missing!, desk.Now), store, ct);
        }
    }

    /// <summary>Who did not come, or why that is not to be said.</summary>
    internal static (string? Missing, Refusal? Refusal) Decide(OfficeSession session, string? by, string actor, bool isStaff, DateTimeOffset now)
    {
        var isSide = actor == session.MentorId || actor == session.MenteeId;
        var missing = by switch
        {
            "mentor" => session.MentorId,
            "mentee" => session.MenteeId,
            _ => isSide ? session.OtherThan(actor) : null,
        };
        if (missing is null)
            return (null, Refusal.Invalid(new FieldError("by", "Who did not come: mentor or mentee.")));
        // Nobody says it of themselves.
        if (missing == actor || (!isSide && !isStaff))
            return (null, OfficeDesk.NotYourPart);
        if (session.Status == OfficeSessionStatus.Missed && session.MissedBy == missing)
            return (missing, null);
        if (session.Status != OfficeSessionStatus.Confirmed)
            return (null, OfficeDesk.Wrong(session));
        return now < session.StartsAt ? (null, NotYet) : (missing, null);
    }
}
