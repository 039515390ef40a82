using MediatR;
using Modular.Messaging;
using Modular.Store;

namespace Modular.Audit;

/// <summary>
/// A subject's keys are shredded in the unit of work of whoever lets go of them, and the log says so (DESIGN §7, "Erasure"): the
/// entries stay as they are, and so does every proof over them.
/// </summary>
internal static class EraseSubject
{
    // Another node that cannot be told remembers a key for a minute at most (SubjectKeys), and may have sealed with it until then.
    internal static readonly TimeSpan SecondLook = TimeSpan.FromMinutes(2);

    internal sealed class Handler(IDocumentSession store, IMessageBus bus, TimeProvider clock) : IRequestHandler<Contracts.EraseSubject>
    {
        public async Task<Unit> Handle(Contracts.EraseSubject command, CancellationToken cancellationToken)
        {
            store.Events.Append($"erasure:{command.SubjectId}", new SubjectErased(
                command.SubjectId, command.Also, command.Reason, clock.GetUtcNow()));
            foreach (var subject in (string[])[command.SubjectId, .. command.Also])
            {
                SubjectKeys.Shred(store, subject);
                await bus.PublishAsync(new SubjectForgotten(subject));
                await bus.ScheduleAsync(new SubjectForgotten(subject), SecondLook);
            }

            return Unit.Value;
        }
    }
}

/// <summary>Nobody can read any more what was personal of a subject.</summary>
/// <param name="Also">Other keys that were shredded with theirs: of addresses that they had.</param>
/// <param name="Reason">Why: <c>user_deleted</c>, <c>by_administrator</c>, <c>by_operator</c>, <c>reapplied</c> (after a restore).</param>
internal sealed record SubjectErased(string SubjectId, IReadOnlyList<string> Also, string Reason, DateTimeOffset At);
