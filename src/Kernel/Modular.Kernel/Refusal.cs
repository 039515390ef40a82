using System.Globalization;
using System.Text.Json.Serialization;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;

namespace Modular.Kernel;

/// <summary>How much of a refusal is written under <c>/api/auth</c>; elsewhere all of it always is.</summary>
public enum RefusalBody
{
    /// <summary><c>{"message","code"}</c>.</summary>
    Full,

    /// <summary><c>{"message"}</c>: "no code" in the contract.</summary>
    MessageOnly,

    /// <summary>No body: "empty" in the contract.</summary>
    Empty,

    /// <summary><c>{"message"}</c> as <c>text/plain</c>: a rate limit, contract §4.</summary>
    PlainMessage,
}

/// <summary>
/// An expected "no": the status that says it, a stable code a client may branch on, and a sentence for people.
/// Codes are upper case where <c>/api/auth</c> answers them and lower case elsewhere, whichever way they are written.
/// </summary>
/// <param name="Status">HTTP status, 400 to 599.</param>
/// <param name="Code">Stable, snake case; kept for the log even where the wire shows none.</param>
/// <param name="Message">Never empty: Better Auth clients show it to people.</param>
/// <param name="Details">Anything that serialises; shown outside <c>/api/auth</c> only.</param>
/// <param name="Body">Which variant of the contract the auth surface answers with.</param>
public sealed record Refusal(int Status, string Code, string Message, object? Details = null, RefusalBody Body = RefusalBody.Full)
{
    public static Refusal BadRequest(string code, string? message = null) => Of(StatusCodes.Status400BadRequest, code, message);

    public static Refusal Unauthorized(string code = "UNAUTHORIZED", string? message = null) => Of(StatusCodes.Status401Unauthorized, code, message);

    public static Refusal Forbidden(string code = "FORBIDDEN", string? message = null) => Of(StatusCodes.Status403Forbidden, code, message);

    public static Refusal NotFound(string code = "NOT_FOUND", string? message = null) => Of(StatusCodes.Status404NotFound, code, message);

    public static Refusal Conflict(string code, string? message = null) => Of(StatusCodes.Status409Conflict, code, message);

    public static Refusal Unprocessable(string code, string? message = null) => Of(StatusCodes.Status422UnprocessableEntity, code, message);

    /// <summary>The database or another thing we stand on does not answer; worth another try later.</summary>
    public static Refusal Unavailable(string code = "SERVICE_UNAVAILABLE", string? message = null) => Of(StatusCodes.Status503ServiceUnavailable, code, message);

    /// <summary>429 of contract §4, with <c>X-Retry-After</c> in whole seconds.</summary>
    public static Refusal TooManyRequests(TimeSpan retryAfter) =>
        new(StatusCodes.Status429TooManyRequests, "TOO_MANY_REQUESTS", "Too many requests. Please try again later.", Body: RefusalBody.PlainMessage)
        {
            RetryAfter = retryAfter,
        };

    /// <summary>400 for malformed input: <c>VALIDATION_ERROR</c> with the fields in the message under <c>/api/auth</c>, <c>validation_failed</c> with details elsewhere.</summary>
    public static Refusal Invalid(params IReadOnlyList<FieldError> errors) =>
        new(StatusCodes.Status400BadRequest, "VALIDATION_ERROR", string.Join("; ", errors.Select(error => error.OnTheWire)), errors);

    /// <summary>How long to wait before another try; null: no answer is known to be sooner right than another.</summary>
    public TimeSpan? RetryAfter { get; init; }

    /// <summary>Any status; without a message the code is turned into a sentence (<c>session_not_found</c>: "Session not found").</summary>
    public static Refusal Of(int status, string code, string? message = null) => new(status, code, message ?? Sentence(code));

    /// <summary>The same, answered without a code under <c>/api/auth</c>.</summary>
    public Refusal WithoutCode() => this with { Body = RefusalBody.MessageOnly };

    /// <summary>The same, answered with an empty body under <c>/api/auth</c>.</summary>
    public Refusal WithoutBody() => this with { Body = RefusalBody.Empty };

    /// <summary>Writes the refusal in the shape of the surface that asked (DESIGN §10), decided by the request's path.</summary>
    public IResult ToHttp() => new RefusalResult(this);

    private static string Sentence(string code) =>
        code.Length == 0 ? code : char.ToUpperInvariant(code[0]) + code[1..].ToLowerInvariant().Replace('_', ' ');
}

/// <summary>One wrong member of the input.</summary>
/// <param name="Field">Path of the member as the client wrote it (<c>name</c>, <c>scopes.0</c>); empty for the whole input.</param>
/// <param name="Message">What is wrong with it.</param>
/// <param name="Source"><c>body</c> or <c>query</c>.</param>
public sealed record FieldError(string Field, string Message, [property: JsonIgnore] string Source = "body")
{
    /// <summary><c>[body.field] message</c>, contract §1 "Validation error".</summary>
    [JsonIgnore]
    public string OnTheWire => Field.Length == 0 ? $"[{Source}] {Message}" : $"[{Source}.{Field}] {Message}";
}

/// <summary>Better Auth's shape under <c>/api/auth</c>, <c>{"error","code","details"}</c> elsewhere.</summary>
internal sealed class RefusalResult(Refusal refusal) : IResult, IStatusCodeHttpResult
{
    public int? StatusCode => refusal.Status;

    public async Task ExecuteAsync(HttpContext httpContext)
    {
        await Tell(httpContext);
        await Write(httpContext);
    }

    // Before the answer, like every event; whoever is refused what nobody can write down is answered as in any outage.
    private Task Tell(HttpContext context)
    {
        var services = context.RequestServices;
        var isAboutRights = refusal.Status is StatusCodes.Status401Unauthorized or StatusCodes.Status403Forbidden;
        if (services.GetRequiredService<Caller>().UserId is null)
        {
            if (isAboutRights && refusal.Code.Equals("INVALID_TOKEN", StringComparison.OrdinalIgnoreCase))
                services.GetRequiredService<RefusedRequests>().Count(RefusedKind.UnknownToken, context);
            return Task.CompletedTask;
        }

        // What a module has recorded is told whatever its status; what none has, where it is about rights.
        return (services.GetRequiredService<Refusals>().AreTold ?? !isAboutRights) || services.GetService<IAccessLog>() is not { } log
            ? Task.CompletedTask
            : log.Refused(context, refusal);
    }

    private Task Write(HttpContext httpContext)
    {
        httpContext.Response.StatusCode = refusal.Status;
        if (refusal.RetryAfter is { } wait)
            httpContext.Response.Headers["X-Retry-After"] = Math.Max(1, Math.Ceiling(wait.TotalSeconds)).ToString(CultureInfo.InvariantCulture);
        if (!Surface.IsAuth(httpContext.Request.Path))
            return WireJson.Write(httpContext.Response, Elsewhere());
        return refusal.Body switch
        {
            RefusalBody.Empty => Task.CompletedTask,
            RefusalBody.MessageOnly => WireJson.Write(httpContext.Response, new MessageOnly(refusal.Message)),
            RefusalBody.PlainMessage => WireJson.Write(httpContext.Response, new MessageOnly(refusal.Message), "text/plain;charset=UTF-8"),
            _ => WireJson.Write(httpContext.Response, new MessageAndCode(refusal.Message, refusal.Code.ToUpperInvariant())),
        };
    }

    private ErrorCodeDetails Elsewhere() => refusal.Details is IReadOnlyList<FieldError> errors
        ? new("The request is not valid", "validation_failed", errors)
        : new(refusal.Message, refusal.Code.ToLowerInvariant(), refusal.Details);

    private sealed record MessageOnly(string Message);

    private sealed record MessageAndCode(string Message, string Code);

    private sealed record ErrorCodeDetails(
        string Error, string Code, [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] object? Details);
}

/// <summary>Which protocol a path speaks.</summary>
internal static class Surface
{
    public const string Auth = "/api/auth";

    // Ignoring case, so that a misspelt path is refused by the surface it nearly names.
    public static bool IsAuth(PathString path) => path.StartsWithSegments(Auth, StringComparison.OrdinalIgnoreCase);

    public static bool IsApi(PathString path) => path.StartsWithSegments("/api", StringComparison.OrdinalIgnoreCase);
}
