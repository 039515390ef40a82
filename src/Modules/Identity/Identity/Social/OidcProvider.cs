using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using Modular.Kernel;

namespace Modular.Identity;

/// <summary>Any OpenID Connect issuer: discovery, authorization code with PKCE, id tokens, userinfo.</summary>
internal sealed class OidcProvider : IProvider
{
    private static readonly TimeSpan MetadataLife = TimeSpan.FromHours(1);

    /// <summary>How often a token with an unknown key may make us ask for newer keys.</summary>
    private static readonly TimeSpan KeysAtMostEvery = TimeSpan.FromSeconds(30);

    private readonly OidcDialect dialect;
    private readonly ProviderHttp http;
    private readonly TimeProvider clock;
    private readonly Remembered<OidcMetadata> metadata;
    private readonly Remembered<IReadOnlyList<ProviderKey>> keys;

    public OidcProvider(string id, ProviderOptions options, ProviderHttp http, TimeProvider clock, bool isDevelopment)
    {
        (Id, Options, dialect, this.http, this.clock) = (id, options, OidcDialect.Of(id, options), http, clock);
        metadata = new(FetchMetadata, MetadataLife, clock);
        keys = new(FetchKeys, MetadataLife, clock);
        async Task<OidcMetadata> FetchMetadata() =>
            OidcMetadata.Read(await http.Get(OidcMetadata.Address(dialect), null, CancellationToken.None), dialect, isDevelopment);
        async Task<IReadOnlyList<ProviderKey>> FetchKeys() =>
            ProviderKey.ReadSet(await http.Get((await metadata.Get(CancellationToken.None)).Keys, null, CancellationToken.None));
    }

    public string Id { get; }

    public ProviderOptions Options { get; }

    public bool TakesIdTokens => true;

    public async Task<Func<AuthorizationRequest, string>> Entrance(CancellationToken ct)
    {
        var endpoint = (await metadata.Get(ct)).Authorization;
        return request => request.Address(endpoint, Options, dialect.Scopes, withNonce: true, dialect.Parameters);
    }

    public async Task<Uri?> EndSession(CancellationToken ct) => (await metadata.Get(ct)).EndSession;

    public async Task<bool> IsFrom(string? issuer, CancellationToken ct) =>
        issuer is null ? !(await metadata.Get(ct)).NamesItself : dialect.IsTemplate || issuer == dialect.Issuer;

    public Task<ProviderTokens> Exchange(string code, string verifier, string redirectUri, CancellationToken ct) => Ask(
        new() { ["grant_type"] = "authorization_code", ["code"] = code, ["code_verifier"] = verifier, ["redirect_uri"] = redirectUri }, ct);

    public async Task<ProviderTokens> Refresh(Account account, string refreshToken, CancellationToken ct)
    {
        var tokens = await Ask(new() { ["grant_type"] = "refresh_token", ["refresh_token"] = refreshToken }, ct);
        return tokens.IdToken is null || await IsOf(account, tokens, ct) ? tokens : tokens with { IdToken = null };
    }

    public async Task<ProviderUser> Identify(ProviderTokens tokens, string? nonce, TimeSpan? longestAge, CancellationToken ct)
    {
        var expected = new IdTokenExpectation(
            dialect.TokenIssuers, [Options.ClientId, .. longestAge is null ? [] : Options.Audiences], nonce, tokens.AccessToken, longestAge);
        var claims = await Check(tokens.IdToken, expected, ct);
        var subject = claims.Text(dialect.Subject) ?? throw ProviderException.WrongIdToken(Id, "subject");
        var info = claims.Text("email") is null ? await UserInfo(tokens.AccessToken, claims.Text("sub")!, ct) : null;
        return UserOf(dialect.IsTemplate ? claims.Text("iss")! : dialect.Issuer, subject, claims, info);
    }

    public async Task<ProviderUser> Describe(Account account, ProviderTokens tokens, CancellationToken ct)
    {
        var claims = IdToken.ReadStored(tokens.IdToken);
        var info = await UserInfo(tokens.AccessToken, claims?.Text("sub") ?? account.AccountId, ct);
        if ((info ?? claims) is not { } said)
            throw new ProviderException($"{Id} has no userinfo endpoint and has left no id token.");
        return UserOf(account.Issuer, account.AccountId, said, info is null ? null : claims);
    }

    // OpenID Connect Core 12.2. The old refresh token may be worth nothing any more, so nothing here may lose the new one.
    private async Task<bool> IsOf(Account account, ProviderTokens tokens, CancellationToken ct)
    {
        try
        {
            var expected = new IdTokenExpectation(dialect.TokenIssuers, [Options.ClientId], AccessToken: tokens.AccessToken);
            return (await Check(tokens.IdToken, expected, ct)).Text(dialect.Subject) == account.AccountId;
        }
        catch (ProviderException)
        {
            return false;
        }
    }

    private async Task<ProviderTokens> Ask(Dictionary<string, string> form, CancellationToken ct)
    {
        var endpoints = await metadata.Get(ct);
        AuthenticationHeaderValue? client = null;
        if (Options.ClientSecret.Length == 0 || endpoints.WantsSecretInBody)
        {
            form["client_id"] = Options.ClientId;
            if (Options.ClientSecret.Length > 0)
                form["client_secret"] = Options.ClientSecret;
        }
        else
        {
            // Both parts are form-encoded first: RFC 6749 2.3.1.
            var pair = $"{Uri.EscapeDataString(Options.ClientId)}:{Uri.EscapeDataString(Options.ClientSecret)}";
            client = new AuthenticationHeaderValue("Basic", Convert.ToBase64String(Encoding.ASCII.GetBytes(pair)));
        }

        return ProviderTokens.Read(await http.Post(endpoints.Token, form, client, ct), clock.GetUtcNow());
    }

    private async Task<JsonElement> Check(string? token, IdTokenExpectation expected, CancellationToken ct)
    {
        if (token is null)
            throw ProviderException.WrongIdToken(Id, "missing");
        var check = IdToken.Check(token, await keys.Get(ct), expected, clock.GetUtcNow());

        // Providers roll their keys over; whoever invents key ids must not make us ask all the time.
        if (check.Flaw == IdTokenCheck.UnknownKey)
            check = IdToken.Check(token, await keys.NotOlderThan(KeysAtMostEvery, ct), expected, clock.GetUtcNow());
        var flaw = check.Flaw ?? (dialect.ForeignTenant is { } foreign && check.Claims.Text("tid") == foreign ? "issuer" : null);
        return flaw is null ? check.Claims : throw ProviderException.WrongIdToken(Id, flaw);
    }

    private async Task<JsonElement?> UserInfo(string? accessToken, string subject, CancellationToken ct)
    {
        if (accessToken is null || (await metadata.Get(ct)).UserInfo is not { } endpoint)
            return null;
        var info = await http.Get(endpoint, accessToken, ct);

        // Somebody else's: OpenID Connect Core 5.3.2.
        return info.Text("sub") == subject ? info : throw new ProviderException($"{Id}: userinfo is about another subject.");
    }

    /// <param name="first">What counts; the id token at a sign-in, because it is signed.</param>
    /// <param name="second">What adds to it.</param>
    private static ProviderUser UserOf(string issuer, string subject, JsonElement first, JsonElement? second)
    {
        string? Said(string name) => first.Text(name) ?? second?.Text(name);
        var source = first.Text("email") is null && second is { } other ? other : first;
        var email = source.Text("email");
        return new ProviderUser(
            issuer,
            subject,
            email is not null && WireBody.IsEmail(email) ? email.ToLowerInvariant() : null,
            email is not null && IsVerified(source, email),
            Said("name") ?? Said("preferred_username"),
            Said("picture"),
            first);
    }

    // Microsoft says it in claims of its own.
    private static bool IsVerified(JsonElement source, string email) => source.IsTrue("email_verified")
        || (!source.TryGetProperty("email_verified", out _)
            && source.Texts("verified_primary_email").Concat(source.Texts("verified_secondary_email")).Contains(email));
}
