using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Modular.Store;

namespace Modular.Kernel;

/// <summary>
/// Tells each step of a sign-in in the log (<c>Auth:Debug</c>): what was decided and about whom, by ids and keyed hashes.
/// No password, no token, no code, no address of anybody.
/// </summary>
public sealed partial class AuthTrace(IOptions<AuthOptions> options, ILoggerFactory logs, EventCatalogue catalogue) : ICommitWitness
{
    /// <summary>What its lines are filtered by; <c>Auth:Debug</c> alone decides whether there are any.</summary>
    public const string Category = "Modular.Auth";

    private static readonly string[] Concerned = ["session.", "sign_in.", "sign_up.", "two_factor.", "passkey.", "password.", "email_code.", "account."];

    private readonly ILogger log = logs.CreateLogger(Category);

    /// <summary>Whether anything is told.</summary>
    public bool IsOn => options.Value.Debug;

    /// <summary>Of a request.</summary>
    public static AuthTrace? Of(HttpContext context) =>
        context.RequestServices.GetService<AuthTrace>() is { IsOn: true } trace ? trace : null;

    /// <summary>Tells a step.</summary>
    /// <param name="step">Which.</param>
    /// <param name="decision">What was decided.</param>
    /// <param name="about">A user's id, or the keyed hash of an address that is nobody's.</param>
    /// <param name="detail">What else there is to know; never anything that somebody could sign in with.</param>
    public void Tell(string step, string decision, string? about = null, string? detail = null)
    {
        if (IsOn)
            Step(log, step, decision, about ?? "nobody", detail ?? "");
    }

    void ICommitWitness.Sent(IEnumerable<IEvent> events)
    {
    }

    void ICommitWitness.Committed(IEnumerable<IEvent> events)
    {
        if (!IsOn)
            return;
        foreach (var e in events.Where(e => Array.Exists(Concerned, prefix => e.EventTypeName.StartsWith(prefix, StringComparison.Ordinal))))
        {
            var (outcome, reason) = catalogue.Describe(e);
            Tell(e.EventTypeName, outcome == EventOutcome.Success ? "done" : "refused", e.Subject, reason);
        }
    }

    [LoggerMessage(Level = LogLevel.Information, Message = "{Step}: {Decision}, about {About} {Detail}")]
    private static partial void Step(ILogger log, string step, string decision, string about, string detail);
}
