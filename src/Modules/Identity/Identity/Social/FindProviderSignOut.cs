using MediatR;
using Microsoft.Extensions.Logging;
using Modular.Store;

namespace Modular.Identity;

/// <summary>
/// Another module asks where somebody who came from a provider signs out of it (OpenID Connect RP-Initiated Logout 1.0).
/// Only where <c>Auth:Providers:{id}:SignOut</c> is on: leaving an application is not leaving Google.
/// </summary>
internal static partial class FindProviderSignOut
{
    internal sealed class Handler(IQuerySession store, Providers providers, AccountTokens tokens, ILogger<Handler> log)
        : IRequestHandler<Contracts.FindProviderSignOut, string?>
    {
        public async Task<string?> Handle(Contracts.FindProviderSignOut query, CancellationToken ct)
        {
            if (providers.Find(query.Method) is not { Options.SignOut: true } provider)
                return null;
            try
            {
                if (await provider.EndSession(ct) is not { } endpoint)
                    return null;
                var accounts = await store.QueryAsync<Account>("where d.user_id = ?", ct, query.UserId);
                var account = accounts.FirstOrDefault(account => account.ProviderId == provider.Id);
                return Address(endpoint, provider.Options.ClientId, account is null ? null : tokens.Open(account).IdToken, query);
            }
            catch (ProviderException problem)
            {
                Unreachable(log, provider.Id, problem.Message);
                return null;
            }
        }
    }

    internal static string Address(Uri endpoint, string clientId, string? idToken, Contracts.FindProviderSignOut query)
    {
        var url = Urls.Append(endpoint.ToString(), "client_id", clientId);
        if (idToken is not null)
            url = Urls.Append(url, "id_token_hint", idToken);
        if (query.ReturnTo is not null)
            url = Urls.Append(url, "post_logout_redirect_uri", query.ReturnTo);
        return query.State is null ? url : Urls.Append(url, "state", query.State);
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "{Provider} could not be asked where one signs out of it: {Problem}")]
    private static partial void Unreachable(ILogger log, string provider, string problem);
}
