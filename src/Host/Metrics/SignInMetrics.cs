using System.Diagnostics.Metrics;
using Modular.Store;

namespace Modular.Host.Metrics;

/// <summary>Counts what was committed: sign-ins by method, and what was refused by its reason, whichever slice did it.</summary>
internal sealed class SignInMetrics : ICommitWitness
{
    private readonly EventCatalogue catalogue;
    private readonly Counter<long> signIns;
    private readonly Counter<long> events;

    public SignInMetrics(IMeterFactory meters, EventCatalogue catalogue)
    {
        this.catalogue = catalogue;
        var meter = meters.Create("Modular.Host");
        signIns = meter.CreateCounter<long>("modular.sign_ins", "{sign_in}", "Sign-ins by outcome and method; of those that were refused, the reason.");
        events = meter.CreateCounter<long>("modular.events.committed", "{event}", "Events that this node committed, by type and outcome.");
    }

    public void Sent(IEnumerable<IEvent> events)
    {
    }

    public void Committed(IEnumerable<IEvent> committed)
    {
        if (!events.Enabled && !signIns.Enabled)
            return;
        foreach (var e in committed)
        {
            var (outcome, reason) = catalogue.Describe(e);
            var word = outcome == EventOutcome.Success ? "success" : "refused";
            events.Add(1, new("type", e.EventTypeName), new("outcome", word));
            if (e.EventTypeName == "session.started.1")
                signIns.Add(1, new("outcome", word), new("method", reason ?? ""), new("reason", ""));
            else if (outcome == EventOutcome.Refused && IsSignIn(e.EventTypeName))
                signIns.Add(1, new("outcome", word), new("method", ""), new("reason", reason ?? ""));
        }
    }

    private static bool IsSignIn(string type) =>
        type.StartsWith("sign_in.", StringComparison.Ordinal) || type.StartsWith("two_factor.", StringComparison.Ordinal) || type.StartsWith("passkey.", StringComparison.Ordinal);
}
