using System.Data.Common;
using MediatR;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Modular.Kernel;
using Modular.Store;

namespace Modular.Sessions;

/// <summary>The sessions of one browser, beside the one that is active (contract §7.10).</summary>
internal sealed partial class DeviceSessions(
    DeviceCookies cookies, ActiveSessions sessions, IServiceScopeFactory scopes, TimeProvider clock, ILogger<DeviceSessions> log) : IDeviceSessions
{
    /// <summary>The live ones that this browser holds, the newest first.</summary>
    public async Task<IReadOnlyList<LiveSession>> Held(HttpContext context, CancellationToken ct)
    {
        var held = new List<LiveSession>();
        foreach (var token in cookies.Read(context))
        {
            if (await sessions.FindLive(new SessionToken(token), ct) is { } live)
                held.Add(live);
        }

        return [.. held.OrderByDescending(live => live.Session.CreatedAt)];
    }

    public async Task<IReadOnlyList<string>> Replace(HttpContext context, string token, IReadOnlyList<string> others)
    {
        try
        {
            // In a scope of its own, as a refresh is: what the request has done is done.
            await using var scope = scopes.CreateAsyncScope();
            var (caller, asking) = (scope.ServiceProvider.GetRequiredService<Caller>(), context.RequestServices.GetRequiredService<Caller>());
            (caller.IpAddress, caller.UserAgent, caller.RequestId) = (asking.IpAddress, asking.UserAgent, asking.RequestId);
            var command = new ReplaceDeviceSessions.Command(new SessionToken(token), [.. others.Select(other => new SessionToken(other))]);
            return await scope.ServiceProvider.GetRequiredService<IMediator>().Send(command, CancellationToken.None);
        }
        catch (Exception failure) when (failure is ConcurrencyException or DbException or TimeoutException)
        {
            // They stay in the browser as its user's other sessions, until their expiry or its next sign-in.
            NotReplaced(log, clock.GetUtcNow(), failure);
            return [];
        }
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "Older sessions of a browser could not be ended at {At}")]
    private static partial void NotReplaced(ILogger log, DateTimeOffset at, Exception failure);
}
