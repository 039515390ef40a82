using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Modular.Kernel;

namespace Modular.Profiles;

/// <summary>An office session as both sides see it.</summary>
/// <param name="Sequence">How often it was changed; the <c>SEQUENCE</c> of the calendar.</param>
internal sealed record OfficeSessionAnswer(
    string Id,
    string Status,
    DateTimeOffset StartsAt,
    DateTimeOffset EndsAt,
    SideAnswer? Mentor,
    SideAnswer? Mentee,
    string? Topic,
    string? Note,
    string? EndedBy,
    string? MissedBy,
    Feedback? MentorFeedback,
    Feedback? MenteeFeedback,
    long Sequence,
    DateTimeOffset RequestedAt,
    DateTimeOffset UpdatedAt)
{
    public static OfficeSessionAnswer Of(OfficeSession session, IReadOnlyDictionary<string, string> names) => new(
        session.Id, session.StatusName, session.StartsAt, session.EndsAt, Side(session.MentorId, names), Side(session.MenteeId, names),
        session.Topic, session.Note, session.EndedBy, session.MissedBy, session.MentorFeedback, session.MenteeFeedback, session.Version - 1,
        session.RequestedAt, session.UpdatedAt);

    /// <summary>The answer of every route that changes one.</summary>
    public static async Task<IResult> Of(Outcome<OfficeSession> outcome, ProfileReading reading, HttpContext context, int status = StatusCodes.Status200OK)
    {
        if (outcome.Refusal is { } refusal)
            return refusal.ToHttp();
        var session = outcome.Answer;
        context.Response.Headers.CacheControl = "no-store";
        return WireJson.Json(Of(session, await reading.Names([session.MentorId, session.MenteeId], context.RequestAborted)), status);
    }

    private static SideAnswer? Side(string? userId, IReadOnlyDictionary<string, string> names) =>
        userId is null ? null : new(userId, names.GetValueOrDefault(userId));
}

/// <param name="Name">As they are called at this moment; null: they are just going.</param>
internal sealed record SideAnswer(string UserId, string? Name);

internal static class OfficeSessionRoutes
{
    /// <summary>What every route on one office session has.</summary>
    public static RouteHandlerBuilder OfOfficeSession(this RouteHandlerBuilder route, string name) => route
        .RequireSession()
        .WithName(name)
        .WithTags("office-sessions")
        .Produces<OfficeSessionAnswer>()
        .ProducesProblem(StatusCodes.Status403Forbidden)
        .ProducesProblem(StatusCodes.Status404NotFound)
        .ProducesProblem(StatusCodes.Status409Conflict);
}
