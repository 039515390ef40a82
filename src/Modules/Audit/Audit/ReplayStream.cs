using System.Buffers;
using System.Globalization;
using System.IO.Pipelines;
using System.Text;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Modular.Audit.Contracts;
using Modular.Kernel;

namespace Modular.Audit;

/// <summary>
/// Writes a replay as it is read: nothing is collected, a slow client slows the reading. Ends when the client leaves,
/// when the server stops, and within seconds of the reader's session ending or losing its role.
/// </summary>
internal sealed class ReplayStream(IAsyncEnumerable<LogEntry> entries, ReplayShape shape, bool isRest) : IResult
{
    private const int FlushBytes = 32 * 1024;

    private static readonly TimeSpan Heartbeat = TimeSpan.FromSeconds(15);

    private Task<bool> _next = Task.FromResult(false);

    private long written;

    public async Task ExecuteAsync(HttpContext httpContext)
    {
        var stopping = httpContext.RequestServices.GetRequiredService<IHostApplicationLifetime>().ApplicationStopping;
        using var ending = CancellationTokenSource.CreateLinkedTokenSource(httpContext.RequestAborted, stopping);
        var access = WatchAccess(httpContext, ending);
        try
        {
            await Write(httpContext, ending.Token);
        }
        catch (OperationCanceledException) when (ending.IsCancellationRequested)
        {
            // A client tells a whole replay from half of one by how the connection ended.
            if (!shape.IsStream)
                httpContext.Abort();
        }
        finally
        {
            await ending.CancelAsync();
            await access;
        }
    }

    private async Task Write(HttpContext context, CancellationToken ct)
    {
        await using var entry = entries.GetAsyncEnumerator(ct);
        try
        {
            _next = entry.MoveNextAsync().AsTask();
            // What has an end and was resumed at it has to say so, or the browser would come back for ever.
            if (isRest && !await _next)
                context.Response.StatusCode = StatusCodes.Status204NoContent;
            else
                await Write(context.Response, entry, ct);
        }
        finally
        {
            // A sequence cannot be disposed while it is being read.
            await Task.WhenAny(_next);
        }
    }

    private async Task Write(HttpResponse response, IAsyncEnumerator<LogEntry> entry, CancellationToken ct)
    {
        response.ContentType = shape.ContentType;
        if (shape.FileName is { } name)
            response.Headers.ContentDisposition = $"attachment; filename=\"{name}\"";
        response.Headers.CacheControl = "no-store";
        response.Headers["X-Accel-Buffering"] = "no";
        response.HttpContext.Features.Get<IHttpResponseBodyFeature>()?.DisableBuffering();
        await response.StartAsync(ct);
        var body = response.BodyWriter;
        body.Write(shape.Before);
        await body.FlushAsync(ct);
        var unflushed = 0;
        while (await Wait(body, ct))
        {
            unflushed += WriteEntry(body, entry.Current);
            _next = entry.MoveNextAsync().AsTask();
            if (_next.IsCompleted && unflushed < FlushBytes)
                continue;
            await body.FlushAsync(ct);
            unflushed = 0;
        }

        body.Write(shape.After);
        await body.FlushAsync(ct);
    }

    private async Task<bool> Wait(PipeWriter body, CancellationToken ct)
    {
        while (shape.IsStream && !_next.IsCompleted)
        {
            using var waited = CancellationTokenSource.CreateLinkedTokenSource(ct);
            if (await Task.WhenAny(_next, Task.Delay(Heartbeat, waited.Token)) == _next)
            {
                await waited.CancelAsync();
                break;
            }

            ct.ThrowIfCancellationRequested();
            body.Write(": still here\n\n"u8);
            await body.FlushAsync(ct);
        }

        return await _next;
    }

    private int WriteEntry(PipeWriter body, LogEntry entry)
    {
        if (shape.IsStream)
            body.Write(Encoding.ASCII.GetBytes(string.Create(CultureInfo.InvariantCulture, $"id: {entry.Position}\ndata: ")));
        if (written++ > 0)
            body.Write(shape.Between);
        body.Write(entry.Text.Span);
        body.Write(shape.Behind);
        return entry.Text.Length;
    }

    private static async Task WatchAccess(HttpContext context, CancellationTokenSource ending)
    {
        var access = context.RequestServices.GetRequiredService<ReplayAccess>();
        try
        {
            while (await access.IsStillThere(context, ending.Token))
            {
            }

            await ending.CancelAsync();
        }
        catch (OperationCanceledException) when (ending.IsCancellationRequested)
        {
            // The replay ended first.
        }
        catch
        {
            // Who cannot be asked for is not there.
            await ending.CancelAsync();
            throw;
        }
    }
}

/// <summary>Asks every few seconds whether the reader of a replay may still read.</summary>
internal sealed class ReplayAccess(IServiceScopeFactory scopes)
{
    /// <summary>How long a revoked reader may go on at most.</summary>
    public TimeSpan Pause { get; set; } = TimeSpan.FromSeconds(3);

    public async Task<bool> IsStillThere(HttpContext context, CancellationToken ct)
    {
        await Task.Delay(Pause, ct);
        await using var scope = scopes.CreateAsyncScope();
        // A request like the first one: the answer that is under way can take no cookie any more.
        var again = new DefaultHttpContext { RequestServices = scope.ServiceProvider, RequestAborted = ct };
        again.Request.Method = context.Request.Method;
        again.Request.Scheme = context.Request.Scheme;
        again.Request.Host = context.Request.Host;
        again.Request.Path = context.Request.Path;
        again.Connection.RemoteIpAddress = context.Connection.RemoteIpAddress;
        foreach (var header in context.Request.Headers)
            again.Request.Headers[header.Key] = header.Value;
        var caller = context.RequestServices.GetRequiredService<Caller>();
        return await SignedInExtensions.Identify(again) is { } session
            && session.SessionId == caller.SessionId && session.Roles.Contains("admin");
    }
}
