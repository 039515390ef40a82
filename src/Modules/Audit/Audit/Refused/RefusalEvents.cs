using System.Text.Json.Serialization;
using Modular.Store;

namespace Modular.Audit;

/// <summary>A caller who is known was not let do what was asked for, by a rule that no module tells of itself.</summary>
/// <param name="UserId">Who asked.</param>
/// <param name="Route">Method and pattern, <c>GET /api/audit/entries</c>; null: of more routes than are told apart.</param>
/// <param name="Reason">The code of the answer, in lower case; <c>several</c> where <paramref name="Route"/> is null.</param>
/// <param name="Count">How often; those after the first of a session's minute are told together when it is over.</param>
/// <param name="Minute">Of those told together when the minute began; null: this one is told by itself.</param>
internal sealed record AccessRefused(
    string UserId, string? Route, string Reason, long Count, DateTimeOffset At,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] DateTimeOffset? Minute = null);

/// <summary>Requests that name nobody were refused: so many of one kind, from one network, in one minute, on one node.</summary>
/// <param name="Kind">Why: <c>forged_cookie</c>, <c>unknown_token</c>, <c>rate_limit</c>, …</param>
/// <param name="Network">As <c>192.0.2.0/24</c>; null: unknown, or of more networks than are told apart.</param>
/// <param name="Minute">When it began.</param>
internal sealed record RequestsRefused(string Kind, [PersonalData] string? Network, long Count, DateTimeOffset Minute, DateTimeOffset At);
