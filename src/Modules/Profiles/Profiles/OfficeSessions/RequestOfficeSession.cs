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

/// <summary>A mentee asks a mentor for a free slot: <c>POST /api/office-sessions</c>.</summary>
internal static class RequestOfficeSession
{
    internal sealed record Request(string? MentorId, string? StartsAt, string? Topic);

    internal sealed record Command(string MentorId, string? StartsAt, string? Topic) : IRequest<Outcome<OfficeSession>>, IIdempotent;

    internal static readonly Refusal NotAMentee = Refusal.Forbidden("not_a_mentee", "Whoever asks for an office session is a mentee first");

    internal static readonly Refusal WithYourself = Refusal.Conflict("with_yourself", "Nobody is their own mentor");

    internal static readonly Refusal SlotTaken = Refusal.Conflict("slot_taken", "The mentor has no free slot at that time");

    internal static readonly Refusal TooSoon = Refusal.Conflict("too_soon", "That is too soon for the mentor to get ready");

    internal static readonly Refusal Busy = Refusal.Conflict("already_booked", "You have another office session at that time");

    internal static readonly Refusal Full = Refusal.Conflict("mentor_full", "The mentor takes no more office sessions at the moment");

    internal static readonly Refusal AskedEnough = Refusal.Of(StatusCodes.Status429TooManyRequests, "asked_enough", "You have asked for enough office sessions today");

    internal sealed class Endpoint : ICarterModule
    {
        public void AddRoutes(IEndpointRouteBuilder app) => app
            .MapPost("/api/office-sessions", async (Request request, HttpContext context, Caller caller, IMediator mediator, ProfileReading reading, CancellationToken ct) =>
            {
                var outcome = await mediator.Send(new Command(request.MentorId ?? "", request.StartsAt, request.Topic), ct);
                return await OfficeSessionAnswer.Of(outcome, reading, context, StatusCodes.Status201Created);
            })
            .OfOfficeSession(nameof(RequestOfficeSession))
            .Produces<OfficeSessionAnswer>(StatusCodes.Status201Created)
            .ProducesProblem(StatusCodes.Status400BadRequest);
    }

    internal sealed class Validator : AbstractValidator<Command>
    {
        public Validator()
        {
            RuleFor(command => command.MentorId).NotEmpty().MaximumLength(100).Must(ProfileText.IsStorable);
            RuleFor(command => command.StartsAt).Must(at => TimeRange.Instant(at) is not null).WithMessage("A time such as 2026-01-31T12:00:00Z.");
            RuleFor(command => command.Topic).Must(ProfileText.IsStorable).MaximumLength(2000);
        }
    }

    internal sealed class Handler(IDocumentSession store, OfficeDesk desk, OfficeBookings bookings, Mentors mentors, Refusals refusals, IOptions<OfficeSessionOptions> options)
        : IRequestHandler<Command, Outcome<OfficeSession>>
    {
        public async Task<Outcome<OfficeSession>> Handle(Command command, CancellationToken ct)
        {
            var (now, startsAt) = (desk.Now, TimeRange.Instant(command.StartsAt)!.Value);
            if (await store.LoadAsync<Profile>(desk.Actor, ct) is not { Mentee: not null } mentee)
                return desk.Refuse(NotAMentee, null);
            if (await mentors.Find(command.MentorId, ct) is not { Mentor: { } teaches } mentor)
                return desk.Refuse(Mentors.NotFound, null);
            if (await bookings.HasAskedEnough(mentee.UserId, now, ct))
                return desk.Refuse(AskedEnough, null);
            var range = new Span(startsAt, startsAt + TimeSpan.FromMinutes(mentor.Availability?.SlotMinutes ?? 0));
            var busy = await mentors.Busy([mentee.UserId, mentor.UserId], range, ct);
            var open = await store.QueryAsync<OfficeSession>(
                "where d.mentor_id = ? and d.ends_at > ? and d.status in ('Requested', 'Confirmed') limit ?", ct, mentor.UserId, now, Mentor.MostCapacity);
            if (Decide(mentor, mentee, range, busy, open.Count < teaches.Capacity, now + options.Value.BookingNotice) is { } refusal)
                return desk.Refuse(refusal, null);

            var requested = new OfficeSessionRequested(
                Guid.CreateVersion7(now).ToString("N"), mentor.UserId, mentee.UserId, range.From, range.To, command.Topic, now);
            store.Events.StartStream<OfficeSession>(requested.SessionId, requested);
            bookings.Take(requested, [mentee, mentor], now);
            refusals.When(
                OfficeSessionStore.NoOverlap, SlotTaken, $"office-desk:{requested.SessionId}", new OfficeSessionRefused(mentee.UserId, null, SlotTaken.Code, now));
            var session = (await store.LoadAsync<OfficeSession>(requested.SessionId, ct))!;
            await desk.Tell(session, OfficeSessionNews.Requested);
            return session;
        }
    }

    /// <summary>Why not, as far as what was read tells; the commit has the last word on what is taken and how much a mentor takes.</summary>
    internal static Refusal? Decide(Profile mentor, Profile mentee, Span wished, ILookup<string, Span> busy, bool hasRoom, DateTimeOffset earliest)
    {
        if (mentor.UserId == mentee.UserId)
            return WithYourself;
        if (wished.From < earliest)
            return TooSoon;
        if (busy[mentee.UserId].Any(wished.Overlaps))
            return Busy;
        if (!Mentors.Free(mentor, wished, busy[mentor.UserId]).Contains(wished))
            return SlotTaken;
        return hasRoom ? null : Full;
    }
}
