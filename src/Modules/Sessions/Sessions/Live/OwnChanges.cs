using Modular.Store;

namespace Modular.Sessions;

/// <summary>
/// What this node itself changes is forgotten here before it answers, also when nobody knows whether the commit came
/// through (DESIGN §6, rule 2). Which event alters what a check answers is not asked: whatever is about a user may.
/// </summary>
internal sealed class OwnChanges(LiveSessions sessions) : ICommitWitness
{
    public void Sent(IEnumerable<IEvent> events)
    {
        foreach (var subject in events.Where(MayAlter).Select(e => e.Subject).OfType<string>().Distinct())
            sessions.Forget(subject);
    }

    private static bool MayAlter(IEvent e) => e.EventType != typeof(SessionStarted) && e.EventType != typeof(SessionRefreshed) && e.EventType != typeof(SessionExpired);
}
