using FluentValidation;
using MediatR;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Modular.Kernel;
using Modular.Store;

namespace Modular.Profiles;

/// <summary>
/// Each side says once how it was: <c>POST /api/office-sessions/{id}/feedback</c>. Both sides, and those who look after them,
/// read it.
/// </summary>
internal static class GiveOfficeSessionFeedback
{
    internal sealed record Request(int? Rating, string? Comment);

    internal sealed record Command(string SessionId, int? Rating, string? Comment) : IRequest<Outcome<OfficeSession>>, IIdempotent;

    internal static readonly Refusal GivenAlready = Refusal.Conflict("feedback_given", "You have said how it was");

    internal sealed class Endpoint : ICarterModule
    {
        public void AddRoutes(IEndpointRouteBuilder app) => app
            .MapPost("/api/office-sessions/{id}/feedback", async (string id, Request request, HttpContext context, IMediator mediator, ProfileReading reading, CancellationToken ct) =>
                await OfficeSessionAnswer.Of(await mediator.Send(new Command(id, request.Rating, request.Comment), ct), reading, context))
            .OfOfficeSession(nameof(GiveOfficeSessionFeedback))
            .ProducesProblem(StatusCodes.Status400BadRequest);
    }

    internal sealed class Validator : AbstractValidator<Command>
    {
        public Validator()
        {
            RuleFor(command => command.Rating).NotNull().InclusiveBetween(1, 5);
            RuleFor(command => command.Comment).Must(ProfileText.IsStorable).MaximumLength(2000);
        }
    }

    internal sealed class Handler(IDocumentSession store, OfficeDesk desk) : IRequestHandler<Command, Outcome<OfficeSession>>
    {
        public async Task<Outcome<OfficeSession>> Handle(Command command, CancellationToken ct)
        {
            var opened = await desk.Open(command.SessionId, ct);
            if (opened.Refusal is { } refusal)
                return refusal;
            var session = opened.Answer.Session;
            return Decide(session, desk.Actor) is { } no
                ? desk.Refuse(no, session.Id)
                : await opened.Answer.Append(
                    new OfficeSessionFeedbackGiven(session.Id, desk.Actor, command.Rating!.Value, command.Comment, desk.Now), store, ct);
        }
    }

    internal static Refusal? Decide(OfficeSession session, string actor)
    {
        if (actor != session.MentorId && actor != session.MenteeId)
            return OfficeDesk.NotYourPart;
        if (session.Status != OfficeSessionStatus.Completed)
            return OfficeDesk.Wrong(session);
        return (actor == session.MentorId ? session.MentorFeedback : session.MenteeFeedback) is null ? null : GivenAlready;
    }
}
