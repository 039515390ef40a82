using FluentValidation;
using MediatR;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Modular.Kernel;
using Modular.Profiles.Contracts;
using Modular.Store;

namespace Modular.Profiles;

/// <summary>The mentor does not agree: <c>POST /api/office-sessions/{id}/decline</c>. The slot is free again.</summary>
internal static class DeclineOfficeSession
{
    internal sealed record Request(string? Note);

    internal sealed record Command(string SessionId, string? Note) : IRequest<Outcome<OfficeSession>>, IIdempotent;

    internal sealed class Endpoint : ICarterModule
    {
        public void AddRoutes(IEndpointRouteBuilder app) => app
            .MapPost("/api/office-sessions/{id}/decline", async (string id, Request? request, HttpContext context, IMediator mediator, ProfileReading reading, CancellationToken ct) =>
                await OfficeSessionAnswer.Of(await mediator.Send(new Command(id, request?.Note), ct), reading, context))
            .OfOfficeSession(nameof(DeclineOfficeSession))
            .ProducesProblem(StatusCodes.Status400BadRequest);
    }

    internal sealed class Validator : AbstractValidator<Command>
    {
        public Validator() => RuleFor(command => command.Note).Must(ProfileText.IsStorable).MaximumLength(1000);
    }

    internal sealed class Handler(IDocumentSession store, OfficeDesk desk, OfficeBookings bookings) : IRequestHandler<Command, Outcome<OfficeSession>>
    {
        public async Task<Outcome<OfficeSession>> Handle(Command command, CancellationToken ct)
        {
            var opened = await desk.Open(command.SessionId, ct);
            if (opened.Refusal is { } refusal)
                return refusal;
            var session = opened.Answer.Session;
            if (session.Status == OfficeSessionStatus.Declined && session.EndedBy == desk.Actor)
                return session;
            if (Decide(session, desk.Actor) is { } no)
                return desk.Refuse(no, session.Id);
            bookings.Free(session.Id);
            await desk.Tell(session, OfficeSessionNews.Declined);
            return await opened.Answer.Append(new OfficeSessionDeclined(session.Id, desk.Actor, command.Note, desk.Now), store, ct);
        }
    }

    internal static Refusal? Decide(OfficeSession session, string actor)
    {
        if (session.MentorId != actor)
            return OfficeDesk.NotYourPart;
        return session.Status == OfficeSessionStatus.Requested ? null : OfficeDesk.Wrong(session);
    }
}
