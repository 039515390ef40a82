using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Modular.Store;
using Npgsql;

namespace Modular.Kernel;

/// <summary>
/// The edge: what goes wrong below becomes an answer in the shape of its surface, and is logged once, here.
/// </summary>
public static class Problems
{
    private const long DefaultLimit = 1024 * 1024;

    /// <summary>
    /// To be called first. Limits every request body to <c>Modular:MaxRequestBodySize</c> bytes (default 1 MiB; 413), turns
    /// malformed requests into 400, outages of the database into 503 <c>SERVICE_UNAVAILABLE</c> and everything unexpected into
    /// 500 with the trace id, and gives empty errors below <c>/api</c> (unknown path, wrong method) their body.
    /// A client that went away is no error.
    /// </summary>
    public static IApplicationBuilder UseProblems(this IApplicationBuilder app)
    {
        var limit = app.ApplicationServices.GetRequiredService<IConfiguration>().GetValue("Modular:MaxRequestBodySize", DefaultLimit);
        var log = app.ApplicationServices.GetRequiredService<ILoggerFactory>().CreateLogger(typeof(Problems));
        return app.Use(async (context, next) =>
        {
            try
            {
                LimitBody(context, limit);
                await next(context);
                await FillEmptyError(context);
            }
            catch (Exception problem) when (!context.Response.HasStarted)
            {
                await Answer(context, problem, log);
            }
        });
    }

    internal static IServiceCollection AddProblems(this IServiceCollection services) =>
        // Without it a malformed body is answered by an empty 400 outside Development.
        services.Configure<RouteHandlerOptions>(options => options.ThrowOnBadRequest = true);

    private static void LimitBody(HttpContext context, long limit)
    {
        if (context.Request.ContentLength > limit)
            throw new BadHttpRequestException("Request body too large.", StatusCodes.Status413PayloadTooLarge);
        if (context.Features.Get<IHttpRequestBodyDetectionFeature>() is { CanHaveBody: false })
            return;
        if (context.Features.Get<IHttpMaxRequestBodySizeFeature>() is { IsReadOnly: false } server)
            server.MaxRequestBodySize = limit;
        context.Request.Body = new LimitedStream(context.Request.Body, limit);
    }

    private static async Task Answer(HttpContext context, Exception problem, ILogger log)
    {
        if (context.RequestAborted.IsCancellationRequested && problem is OperationCanceledException or IOException)
        {
            // Nobody reads it; 499 is what access logs call this.
            context.Response.StatusCode = StatusCodes.Status499ClientClosedRequest;
            return;
        }

        var isAuth = Surface.IsAuth(context.Request.Path);
        var traceId = CallerExtensions.TraceId(context);
        context.Response.Clear();
        if (problem is BadHttpRequestException bad)
        {
            await Malformed(bad.StatusCode, isAuth, bad.InnerException is JsonException).ToHttp().ExecuteAsync(context);
            return;
        }

        if (problem is ConcurrencyException)
        {
            // Somebody else changed it first; nothing was stored. The one place where a stale version gets its status.
            await Refusal.Conflict("CONFLICT", "Changed by somebody else in the meantime").ToHttp().ExecuteAsync(context);
            return;
        }

        var isOutage = IsOutage(problem);
        log.LogError(problem, "{Method} {Path} {Failed}, trace {TraceId}",
            context.Request.Method, LoggedPath.Of(context), isOutage ? "found no database" : "failed", traceId);
        var (status, code, message) = isOutage
            ? (StatusCodes.Status503ServiceUnavailable, "service_unavailable", "Service unavailable")
            : (StatusCodes.Status500InternalServerError, isAuth ? "INTERNAL_SERVER_ERROR" : "internal_error", "Internal server error");
        context.Response.Headers["X-Request-Id"] = traceId;
        await new Refusal(status, code, message, new { traceId }).ToHttp().ExecuteAsync(context);
    }

    // A 404 or 405 made by routing, or a 401 made by authorization, has a status and nothing else.
    private static Task FillEmptyError(HttpContext context)
    {
        var response = context.Response;
        var isEmptyError = response is { HasStarted: false, StatusCode: >= 400, ContentType: null, ContentLength: null or 0 };
        return isEmptyError && Surface.IsApi(context.Request.Path) && !Surface.IsAuth(context.Request.Path)
            ? Malformed(response.StatusCode, isAuth: false, isJson: false).ToHttp().ExecuteAsync(context)
            : Task.CompletedTask;
    }

    private static Refusal Malformed(int status, bool isAuth, bool isJson) => status switch
    {
        400 when isAuth => Refusal.BadRequest("BAD_REQUEST", isJson ? "Invalid JSON in request body" : null),
        400 => isJson ? Refusal.BadRequest("invalid_json", "Invalid JSON in request body") : Refusal.BadRequest("invalid_request"),
        401 => Refusal.Unauthorized(),
        403 => Refusal.Forbidden(),
        404 => Refusal.NotFound(),
        405 => Refusal.Of(status, "method_not_allowed"),
        413 => Refusal.Of(status, isAuth ? "PAYLOAD_TOO_LARGE" : "body_too_large", isAuth ? "Payload too large" : "Request body too large"),
        415 => Refusal.Of(status, "unsupported_media_type"),
        429 => Refusal.Of(status, "too_many_requests"),
        503 => Refusal.Unavailable(),
        _ => Refusal.Of(status, status < 500 ? "invalid_request" : "internal_error"),
    };

    // Other layers may have wrapped it.
    private static bool IsOutage(Exception? problem) =>
        problem is not null && (problem is NpgsqlException { IsTransient: true } or TimeoutException
            || (problem is NpgsqlException && (Outage.MayPass(problem) || Outage.IsBroken(problem))) || IsOutage(problem.InnerException));

    /// <summary>Counts what is really read: a Content-Length can lie, a chunked body has none, and test servers do not look.</summary>
    private sealed class LimitedStream(Stream inner, long limit) : Stream
    {
        private long left = limit;

        public override bool CanRead => true;

        public override bool CanSeek => false;

        public override bool CanWrite => false;

        public override long Length => throw new NotSupportedException();

        public override long Position
        {
            get => throw new NotSupportedException();
            set => throw new NotSupportedException();
        }

        public override int Read(byte[] buffer, int offset, int count) => Count(inner.Read(buffer, offset, count));

        public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
            ReadAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

        public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) =>
            Count(await inner.ReadAsync(buffer, cancellationToken));

        public override void Flush() => throw new NotSupportedException();

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();

        public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

        private int Count(int read) => (left -= read) >= 0
            ? read
            : throw new BadHttpRequestException("Request body too large.", StatusCodes.Status413PayloadTooLarge);
    }
}
