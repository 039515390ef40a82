using MediatR;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Modular.Kernel;
using Modular.Store;

namespace Modular.Profiles;

/// <summary>
/// The mentor, or somebody who looks after them, says that it took place: <c>POST /api/office-sessions/{id}/complete</c>.
/// </summary>
internal static class CompleteOfficeSession
{
    internal sealed record Command(string SessionId) : IRequest<Outcome<OfficeSession>>, IIdempotent;

    internal static readonly Refusal NotYet = Refusal.Conflict("not_begun", "It has not begun");

    internal sealed class Endpoint : ICarterModule
    {
        public void AddRoutes(IEndpointRouteBuilder app) => app
            .MapPost("/api/office-sessions/{id}/complete", async (string id, HttpContext context, IMediator mediator, ProfileReading reading, CancellationToken ct) =>
                await OfficeSessionAnswer.Of(await mediator.Send(new Command(id), ct), reading, context))
            .OfOfficeSession(nameof(CompleteOfficeSession));
    }

    internal sealed class Handler(IDocumentSession store, OfficeDesk desk) : IRequestHandler<Command, Outcome<OfficeSession>>
    {
        public async Task<Outcome<OfficeSession>> Handle(Command command, CancellationToken ct)
        {
            var opened = await desk.Open(command.SessionId, ct);
            if (opened.Refusal is { } refusal)
                return refusal;
            var session = opened.Answer.Session;
            var mayDo = desk.IsStaff || session.MentorId == desk.Actor;
            if (session.Status == OfficeSessionStatus.Completed && mayDo)
                return session;
            return Decide(session, mayDo, desk.Now) is { } no
                ? desk.Refuse(no, session.Id)
                : await opened.Answer.Append(new OfficeSessionCompleted(session.Id, session.MenteeId, desk.Now), store, ct);
        }
    }

    internal static Refusal? Decide(OfficeSession session, bool mayDo, DateTimeOffset now)
    {
        if (!mayDo)
            return OfficeDesk.NotYourPart;
        if (session.Status != OfficeSessionStatus.Confirmed)
            return OfficeDesk.Wrong(session);
        return now < session.StartsAt ? NotYet : null;
    }
}
