using FluentValidation;
using MediatR;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.Options;
using Modular.Kernel;
using Modular.Profiles.Contracts;
using Modular.Store;

namespace Modular.Profiles;

/// <summary>
/// Either side, or somebody who looks after them, cancels: <c>POST /api/office-sessions/{id}/cancel</c>. What is only asked for
/// is withdrawn at any time before it begins; what is agreed, in good time.
/// </summary>
internal static class CancelOfficeSession
{
    internal sealed record Request(string? Note);

    internal sealed record Command(string SessionId, string? Note) : IRequest<Outcome<OfficeSession>>, IIdempotent;

    internal sealed class Endpoint : ICarterModule
    {
        public void AddRoutes(IEndpointRouteBuilder app) => app
            .MapPost("/api/office-sessions/{id}/cancel", async (string id, Request? request, HttpContext context, IMediator mediator, ProfileReading reading, CancellationToken ct) =>
                await OfficeSessionAnswer.Of(await mediator.Send(new Command(id, request?.Note), ct), reading, context))
            .OfOfficeSession(nameof(CancelOfficeSession))
            .ProducesProblem(StatusCodes.Status400BadRequest);
    }

    internal sealed class Validator : AbstractValidator<Command>
    {
        public Validator() => RuleFor(command => command.Note).Must(ProfileText.IsStorable).MaximumLength(1000);
    }

    internal sealed class Handler(IDocumentSession store, OfficeDesk desk, OfficeBookings bookings, IOptions<OfficeSessionOptions> options)
        : IRequestHandler<Command, Outcome<OfficeSession>>
    {
        public async Task<Outcome<OfficeSession>> Handle(Command command, CancellationToken ct)
        {
            var opened = await desk.Open(command.SessionId, ct);
            if (opened.Refusal is { } refusal)
                return refusal;
            var session = opened.Answer.Session;
            if (session.Status == OfficeSessionStatus.Cancelled)
                return session;
            if (Decide(session, desk.IsStaff, options.Value.CancelNotice, desk.Now) is { } no)
                return desk.Refuse(no, session.Id);
            bookings.Free(session.Id);
            await desk.Tell(session, OfficeSessionNews.Cancelled);
            return await opened.Answer.Append(new OfficeSessionCancelled(session.Id, desk.Actor, command.Note, desk.Now), store, ct);
        }
    }

    internal static Refusal? Decide(OfficeSession session, bool isStaff, TimeSpan notice, DateTimeOffset now)
    {
        if (!session.IsOpen)
            return OfficeDesk.Wrong(session);
        if (isStaff)
            return null;
        var until = session.Status == OfficeSessionStatus.Confirmed ? session.StartsAt - notice : session.StartsAt;
        return now <= until
            ? null
            : new(StatusCodes.Status409Conflict, "too_late_to_cancel", "It begins too soon to be cancelled", new { until = WireJson.Time(until) });
    }
}
