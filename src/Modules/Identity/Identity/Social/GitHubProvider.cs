using System.Globalization;
using System.Text.Json;
using Modular.Kernel;

namespace Modular.Identity;

/// <summary>GitHub, or an Enterprise Server: OAuth 2.0 and an API of its own, no id tokens.</summary>
internal sealed class GitHubProvider : IProvider
{
    private readonly ProviderHttp http;
    private readonly TimeProvider clock;
    private readonly Uri site;
    private readonly string api;

    public GitHubProvider(ProviderOptions options, ProviderHttp http, TimeProvider clock)
    {
        (Options, this.http, this.clock) = (options, http, clock);
        site = new Uri(options.Issuer.Length == 0 ? "https://github.com" : options.Issuer.TrimEnd('/'));
        api = options.Issuer.Length == 0 ? "https://api.github.com" : $"{options.Issuer.TrimEnd('/')}/api/v3";
    }

    public string Id => ProvidersOptions.GitHub;

    public ProviderOptions Options { get; }

    public bool TakesIdTokens => false;

    // As upstream names it; another server's people are others.
    private string Issuer => Options.Issuer.Length == 0 ? $"local:oauth:{Id}" : site.AbsoluteUri;

    public Task<Func<AuthorizationRequest, string>> Entrance(CancellationToken ct) => Task.FromResult<Func<AuthorizationRequest, string>>(
        request => request.Address(new Uri(site, "/login/oauth/authorize"), Options, ["read:user", "user:email"], withNonce: false));

    public Task<Uri?> EndSession(CancellationToken ct) => Task.FromResult<Uri?>(null);

    // It has no issuer to name.
    public Task<bool> IsFrom(string? issuer, CancellationToken ct) => Task.FromResult(true);

    public Task<ProviderTokens> Exchange(string code, string verifier, string redirectUri, CancellationToken ct) =>
        Ask(new() { ["code"] = code, ["code_verifier"] = verifier, ["redirect_uri"] = redirectUri }, ct);

    public Task<ProviderTokens> Refresh(Account account, string refreshToken, CancellationToken ct) =>
        Ask(new() { ["grant_type"] = "refresh_token", ["refresh_token"] = refreshToken }, ct);

    public async Task<ProviderUser> Identify(ProviderTokens tokens, string? nonce, TimeSpan? longestAge, CancellationToken ct)
    {
        var profile = await http.Get(new Uri($"{api}/user"), tokens.AccessToken, ct);
        if (profile.Seconds("id") is not { } id || id <= 0 || id != Math.Floor(id))
            throw new ProviderException("GitHub's user has no id.");
        var (email, isVerified) = await EmailOf(profile, tokens.AccessToken, ct);
        return new ProviderUser(
            Issuer,
            id.ToString("F0", CultureInfo.InvariantCulture),
            email is not null && WireBody.IsEmail(email) ? email.ToLowerInvariant() : null,
            isVerified,
            profile.Text("name") ?? profile.Text("login"),
            profile.Text("avatar_url"),
            profile);
    }

    public async Task<ProviderUser> Describe(Account account, ProviderTokens tokens, CancellationToken ct)
    {
        var user = await Identify(tokens, null, null, ct);
        return user.Subject == account.AccountId ? user : throw new ProviderException("GitHub's access token is of another user.");
    }

    private async Task<ProviderTokens> Ask(Dictionary<string, string> form, CancellationToken ct)
    {
        (form["client_id"], form["client_secret"]) = (Options.ClientId, Options.ClientSecret);
        return ProviderTokens.Read(await http.Post(new Uri(site, "/login/oauth/access_token"), form, null, ct), clock.GetUtcNow());
    }

    /// <summary>The primary address; what a profile shows is the user's choice, and nobody has to have verified it.</summary>
    private async Task<(string? Email, bool IsVerified)> EmailOf(JsonElement profile, string? accessToken, CancellationToken ct)
    {
        try
        {
            var emails = await http.Get(new Uri($"{api}/user/emails"), accessToken, ct);
            var primary = emails.ValueKind == JsonValueKind.Array
                ? emails.EnumerateArray().FirstOrDefault(email => email.IsTrue("primary"))
                : default;
            if (primary.Text("email") is { } email)
                return (email, primary.IsTrue("verified"));
        }
        catch (ProviderException)
        {
            // The user did not grant user:email: an application of GitHub's newer kind may lack the permission.
        }

        return (profile.Text("email"), false);
    }
}
