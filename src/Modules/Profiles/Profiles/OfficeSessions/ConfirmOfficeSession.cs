using MediatR;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.Options;
using Modular.Kernel;
using Modular.Messaging;
using Modular.Profiles.Contracts;
using Modular.Store;

namespace Modular.Profiles;

/// <summary>The mentor agrees: <c>POST /api/office-sessions/{id}/confirm</c>. Both are reminded of it later.</summary>
internal static class ConfirmOfficeSession
{
    internal sealed record Command(string SessionId) : IRequest<Outcome<OfficeSession>>, IIdempotent;

    internal static readonly Refusal Over = Refusal.Conflict("session_over", "Its time has come already");

    internal sealed class Endpoint : ICarterModule
    {
        public void AddRoutes(IEndpointRouteBuilder app) => app
            .MapPost("/api/office-sessions/{id}/confirm", async (string id, HttpContext context, IMediator mediator, ProfileReading reading, CancellationToken ct) =>
                await OfficeSessionAnswer.Of(await mediator.Send(new Command(id), ct), reading, context))
            .OfOfficeSession(nameof(ConfirmOfficeSession));
    }

    internal sealed class Handler(IDocumentSession store, OfficeDesk desk, IMessageBus bus, IOptions<OfficeSessionOptions> options)
        : IRequestHandler<Command, Outcome<OfficeSession>>
    {
        public async Task<Outcome<OfficeSession>> Handle(Command command, CancellationToken ct)
        {
            var opened = await desk.Open(command.SessionId, ct);
            if (opened.Refusal is { } refusal)
                return refusal;
            var session = opened.Answer.Session;
            if (session.Status == OfficeSessionStatus.Confirmed && session.MentorId == desk.Actor)
                return session;
            if (Decide(session, desk.Actor, desk.Now) is { } no)
                return desk.Refuse(no, session.Id);
            await desk.Tell(session, OfficeSessionNews.Confirmed);
            var reminder = session.StartsAt - options.Value.RemindBefore;
            if (options.Value.RemindBefore > TimeSpan.Zero && reminder > desk.Now)
                await bus.ScheduleAsync(new OfficeSessionReminderDue(session.Id), reminder);
            return await opened.Answer.Append(new OfficeSessionConfirmed(session.Id, session.MenteeId, desk.Now), store, ct);
        }
    }

    internal static Refusal? Decide(OfficeSession session, string actor, DateTimeOffset now)
    {
        if (session.MentorId != actor)
            return OfficeDesk.NotYourPart;
        if (session.Status != OfficeSessionStatus.Requested)
            return OfficeDesk.Wrong(session);
        return session.StartsAt <= now ? Over : null;
    }
}

/// <summary>It is time to remind both sides, if it still takes place.</summary>
internal sealed record OfficeSessionReminderDue(string SessionId);
