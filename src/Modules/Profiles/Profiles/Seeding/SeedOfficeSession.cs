using MediatR;
using Modular.Kernel;
using Modular.Profiles.Contracts;
using Modular.Store;

namespace Modular.Profiles;

/// <summary>The operator's story of an office session goes one step further: <c>db seed</c>.</summary>
internal static class SeedOfficeSession
{
    internal sealed class Handler(IDocumentSession store, Caller caller, OfficeStory story) : IRequestHandler<Contracts.SeedOfficeSession, SeededStep>
    {
        public async Task<SeededStep> Handle(Contracts.SeedOfficeSession step, CancellationToken ct)
        {
            var found = await store.QueryAsync<OfficeSession>(
                "where d.mentor_id = ? and d.mentee_id = ? and d.starts_at = ? order by d.id limit 1", ct, step.MentorId, step.MenteeId, step.StartsAt);
            var session = found.Count == 0 ? null : found[0];
            return Decide(step.Step, session, caller.UserId!) ? await story.Take(step, session?.Id, ct) : new SeededStep(IsNew: false, Problem: null);
        }
    }

    /// <summary>Whether the step comes next. What people have done with it since then stays.</summary>
    internal static bool Decide(OfficeSessionStep step, OfficeSession? session, string actor) => (step, session?.Status) switch
    {
        (OfficeSessionStep.Request, _) => session is null,
        (OfficeSessionStep.Confirm or OfficeSessionStep.Decline, OfficeSessionStatus.Requested) => true,
        (OfficeSessionStep.Cancel, OfficeSessionStatus.Requested or OfficeSessionStatus.Confirmed) => true,
        (OfficeSessionStep.Complete or OfficeSessionStep.MarkMissed, OfficeSessionStatus.Confirmed) => true,
        (OfficeSessionStep.GiveFeedback, OfficeSessionStatus.Completed) =>
            (actor == session!.MentorId ? session.MentorFeedback : session.MenteeFeedback) is null,
        _ => false,
    };
}

/// <summary>Takes steps as people do over HTTP: by the same commands, under the same rules.</summary>
internal sealed class OfficeStory(IMediator mediator)
{
    public async Task<SeededStep> Take(Contracts.SeedOfficeSession step, string? sessionId, CancellationToken ct)
    {
        IRequest<Outcome<OfficeSession>> command = step.Step switch
        {
            OfficeSessionStep.Request => new RequestOfficeSession.Command(step.MentorId, step.StartsAt.ToUniversalTime().ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", System.Globalization.CultureInfo.InvariantCulture), step.Text),
            OfficeSessionStep.Confirm => new ConfirmOfficeSession.Command(sessionId!),
            OfficeSessionStep.Decline => new DeclineOfficeSession.Command(sessionId!, step.Text),
            OfficeSessionStep.Cancel => new CancelOfficeSession.Command(sessionId!, step.Text),
            OfficeSessionStep.Complete => new CompleteOfficeSession.Command(sessionId!),
            OfficeSessionStep.MarkMissed => new MarkOfficeSessionMissed.Command(sessionId!, null),
            _ => new GiveOfficeSessionFeedback.Command(sessionId!, step.Rating, step.Text),
        };
        // Of a command that is refused nothing is staged.
        var refusal = (await mediator.Send(command, ct)).Refusal;
        return new SeededStep(refusal is null, refusal?.Message);
    }
}
