using System.Collections.Concurrent;
using System.Data.Common;
using MediatR;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Modular.Kernel;
using Modular.Store;

namespace Modular.Identity;

/// <summary>
/// Gets new tokens for an account: one at a time however many ask on however many nodes, and the others get what it got.
/// A refresh token may be good for one use only, and a second use may end the whole grant (RFC 9700 4.14).
/// </summary>
internal sealed partial class TokenRefresh(
    Providers providers, AccountTokens tokens, ClusterLock locks, IServiceScopeFactory scopes, ILogger<TokenRefresh> log) : IHostedService
{
    /// <summary>How long another node may take, or several one after the other.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    private static readonly TimeSpan[] Pauses = [TimeSpan.FromMilliseconds(100), TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(3)];

    private readonly ConcurrentDictionary<string, Lazy<Task<Account?>>> underWay = new(StringComparer.Ordinal);

    /// <summary>The account with tokens newer than those seen; null when it has been unlinked meanwhile.</summary>
    /// <param name="seen">As the caller has read it.</param>
    /// <param name="caller">Who asks; acts in the event.</param>
    /// <exception cref="ProviderException">There are none to be had.</exception>
    public Task<Account?> Refresh(Account seen, Caller caller, CancellationToken ct)
    {
        var (userId, sessionId, ip, agent, request) = (caller.UserId, caller.SessionId, caller.IpAddress, caller.UserAgent, caller.RequestId);

        // Not with the caller's token: others wait for it too, and tokens that the provider has already given out must be kept.
        return underWay.GetOrAdd(seen.Id, _ => new(() => Task.Run(() => Fly(seen, Introduce)))).Value.WaitAsync(ct);

        void Introduce(Caller actor)
        {
            (actor.UserId, actor.SessionId, actor.IpAddress) = (userId, sessionId, ip);
            (actor.UserAgent, actor.RequestId) = (agent, request);
        }
    }

    public Task StartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <summary>Lets those under way end: what they bring cannot be asked for again.</summary>
    public async Task StopAsync(CancellationToken cancellationToken)
    {
        foreach (var flight in underWay.Values.Select(lazy => lazy.Value).ToList())
            await ((Task)flight).WaitAsync(cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }

    private async Task<Account?> Fly(Account seen, Action<Caller> introduce)
    {
        try
        {
            return await locks.Run($"identity/refresh/{seen.Id}", Patience, () => RefreshAlone(seen, introduce));
        }
        catch (Exception failure) when (failure is DbException or TimeoutException)
        {
            throw new ProviderException($"The tokens of account {seen.Id} could not be refreshed: {failure.Message}", failure);
        }
        finally
        {
            underWay.TryRemove(seen.Id, out _);
        }
    }

    private async Task<Account?> RefreshAlone(Account seen, Action<Caller> introduce)
    {
        if (await Load(seen.Id) is not { } current)
            return null;

        // Whoever had the lock before us did it: sealing makes every stored token differ from the one before.
        if (current.AccessToken != seen.AccessToken || current.RefreshToken != seen.RefreshToken)
            return current;
        if (providers.Find(current.ProviderId) is not { } provider || tokens.Open(current).RefreshToken is not { } refreshToken)
            throw new ProviderException($"The account {current.Id} has nothing to refresh its tokens with.");
        var fresh = await provider.Refresh(current, refreshToken, CancellationToken.None);
        return await Keep(new KeepRefreshedTokens.Command(current, fresh), introduce);
    }

    private async Task<Account?> Keep(KeepRefreshedTokens.Command command, Action<Caller> introduce)
    {
        for (var attempt = 0; ; attempt++)
        {
            await using var scope = scopes.CreateAsyncScope();
            introduce(scope.ServiceProvider.GetRequiredService<Caller>());
            try
            {
                return await scope.ServiceProvider.GetRequiredService<IMediator>().Send(command);
            }
            catch (Exception failure) when (failure is DbException or TimeoutException or ConcurrencyException)
            {
                if (attempt == Pauses.Length)
                    throw;
                NotKept(log, command.Used.Id, failure);
                await Task.Delay(Pauses[attempt]);
            }
        }
    }

    private async Task<Account?> Load(string id)
    {
        await using var scope = scopes.CreateAsyncScope();
        return await scope.ServiceProvider.GetRequiredService<IDocumentSession>().LoadAsync<Account>(id);
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "New tokens of account {AccountId} could not be stored; trying again")]
    private static partial void NotKept(ILogger log, string accountId, Exception failure);
}
