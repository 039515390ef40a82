using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Microsoft.AspNetCore.Http;
using Modular.Kernel;

namespace Modular.Identity;

/// <summary>What is remembered while a browser is away at a provider; sealed, and good for one return.</summary>
/// <param name="LinkTo">Who gets the account; null: whoever comes back signs in.</param>
internal sealed record ProviderState(
    string ProviderId,
    string Verifier,
    string Nonce,
    string CallbackUrl,
    string? ErrorUrl,
    string? NewUserUrl,
    bool RequestsSignUp,
    LinkTarget? LinkTo = null)
{
    public const string Purpose = "provider-state";

    /// <summary>Contract §6.3.</summary>
    public static readonly TimeSpan Life = TimeSpan.FromMinutes(10);
}

/// <summary>The user who wants an account linked, and the session they said so in.</summary>
internal sealed record LinkTarget(string UserId, string? SessionId);

/// <summary>An id token that a client got by itself.</summary>
internal sealed record GivenIdToken(string Token, string? Nonce, string? AccessToken, string? RefreshToken, double? ExpiresAt);

/// <summary>What sign-in/social and link-social have in common (contract §6.3, §6.16).</summary>
internal sealed record ProviderRequest(
    string Provider,
    string? CallbackUrl,
    string? ErrorUrl,
    bool? DisablesRedirect,
    IReadOnlyList<string> Scopes,
    bool? RequestsSignUp,
    string? LoginHint,
    IReadOnlyDictionary<string, string> Parameters,
    GivenIdToken? IdToken)
{
    public static ProviderRequest Read(WireBody body)
    {
        body.OptionalObject("additionalData");
        return new ProviderRequest(
            body.RequiredString("provider"),
            NotEmpty(body.OptionalString("callbackURL")),
            NotEmpty(body.OptionalString("errorCallbackURL")),
            body.OptionalBool("disableRedirect"),
            body.OptionalStrings("scopes") ?? [],
            body.OptionalBool("requestSignUp"),
            body.OptionalString("loginHint"),
            ReadParameters(body),
            ReadIdToken(body));
    }

    public static string? NotEmpty(string? text) => string.IsNullOrEmpty(text) ? null : text;

    private static Dictionary<string, string> ReadParameters(WireBody body)
    {
        var parameters = new Dictionary<string, string>();
        foreach (var parameter in body.OptionalObject("additionalParams")?.EnumerateObject() ?? [])
        {
            if (parameter.Value.ValueKind == JsonValueKind.String)
                parameters[parameter.Name] = parameter.Value.GetString()!;
            else
                body.Fail($"additionalParams.{parameter.Name}", "Invalid input: expected string");
        }

        if (parameters.Keys.Any(AuthorizationRequest.Reserved.Contains))
            body.Fail("additionalParams", $"additionalParams cannot include reserved OAuth parameters: {string.Join(", ", AuthorizationRequest.Reserved)}");
        return parameters;
    }

    private static GivenIdToken? ReadIdToken(WireBody body)
    {
        if (body.OptionalObject("idToken") is not { } given)
            return null;
        string? Text(string name, bool required = false)
        {
            if (given.TryGetProperty(name, out var member) && member.ValueKind == JsonValueKind.String && !member.GetString()!.Contains('\0'))
                return member.GetString();
            if (required || member.ValueKind != JsonValueKind.Undefined)
                body.Fail($"idToken.{name}", $"Invalid input: expected string{(member.ValueKind == JsonValueKind.Undefined ? ", received undefined" : "")}");
            return null;
        }

        var isNumber = given.TryGetProperty("expiresAt", out var expires) && expires.ValueKind == JsonValueKind.Number;
        if (expires.ValueKind != JsonValueKind.Undefined && !isNumber)
            body.Fail("idToken.expiresAt", "Invalid input: expected number");
        return new GivenIdToken(
            Text("token", required: true) ?? "", Text("nonce"), Text("accessToken"), Text("refreshToken"), isNumber ? expires.GetDouble() : null);
    }
}

/// <summary>Sends browsers to a provider and knows them when they come back.</summary>
internal sealed class ProviderFlow(PublicAddress address, SignedCookies cookies)
{
    private const string Cookie = "state";

    /// <summary>How long a browser has to come back (contract §2.1).</summary>
    private static readonly TimeSpan CookieLife = TimeSpan.FromMinutes(5);

    /// <summary>An id token that a client brings must be young: nothing ties it to a request of ours.</summary>
    private static readonly TimeSpan LongestAge = TimeSpan.FromHours(1);

    /// <summary>A new one, with secrets of its own.</summary>
    public ProviderState NewState(HttpContext context, ProviderRequest request, string? newUserUrl, LinkTarget? linkTo) => new(
        request.Provider, NewSecret(), NewSecret(), request.CallbackUrl ?? address.OriginFor(context), request.ErrorUrl, newUserUrl,
        request.RequestsSignUp == true, linkTo);

    /// <summary>The answer that sends a browser there, which is known by its cookie when it comes back.</summary>
    public IResult Depart(
        HttpContext context, Func<AuthorizationRequest, string> entrance, ProviderRequest request, ProviderState state, string token)
    {
        cookies.Set(context, Cookie, token, CookieLife);
        var url = entrance(new AuthorizationRequest(
            token, state.Verifier, state.Nonce, RedirectUri(context, state.ProviderId), request.Scopes, request.LoginHint, request.Parameters));
        var redirects = request.DisablesRedirect != true;
        if (redirects)
            context.Response.Headers.Location = WireJson.Location(url);
        return WireJson.Ok(new { Url = url, Redirect = redirects });
    }

    /// <summary>Whether this browser is the one that was sent away with this state.</summary>
    public bool IsSameBrowser(HttpContext context, string state) => cookies.Read(context, Cookie) is { } own
        && CryptographicOperations.FixedTimeEquals(Encoding.UTF8.GetBytes(own), Encoding.UTF8.GetBytes(state));

    public void Forget(HttpContext context) => cookies.Delete(context, Cookie);

    public string RedirectUri(HttpContext context, string providerId) => $"{address.OriginFor(context)}/api/auth/callback/{providerId}";

    /// <summary>The arrival, with the link that an address may have to be verified by.</summary>
    public Arrival With(HttpContext context, Caller caller, Arrival arrival, string? callbackUrl) => arrival with
    {
        Verification = arrival.Person.Email is { } email ? LinkWish.Of(email, callbackUrl, context, address, caller) : null,
    };

    public string ErrorPage(HttpContext context) => $"{address.OriginFor(context)}/api/auth/error";

    /// <summary>Whom an id token is about that a client brought; the reason why not is for the log.</summary>
    public static async Task<Outcome<Arrival>> Introduce(IProvider provider, ProviderRequest request, GivenIdToken given, CancellationToken ct)
    {
        if (!provider.TakesIdTokens)
            return ProviderRefusals.IdTokenNotSupported;
        var expires = given is { AccessToken: not null, ExpiresAt: { } seconds } ? At(seconds) : null;
        var tokens = new ProviderTokens(given.AccessToken, given.RefreshToken, given.Token, expires);
        try
        {
            var person = await provider.Identify(tokens, given.Nonce, LongestAge, ct);
            return new Arrival(provider.Id, person, tokens, request.RequestsSignUp == true);
        }
        catch (ProviderException failure)
        {
            return failure.Flaw is null ? ProviderRefusals.Unreachable : ProviderRefusals.InvalidToken;
        }
    }

    // Seconds or, as JavaScript has it, milliseconds.
    private static DateTimeOffset? At(double time)
    {
        const double YearFiveThousand = 95_617_584_000;
        var seconds = time < YearFiveThousand ? time : time / 1000;
        return seconds is > 0 and < YearFiveThousand ? DateTimeOffset.FromUnixTimeSeconds((long)seconds) : null;
    }

    // 43 characters, the least that PKCE allows and 256 bits.
    private static string NewSecret() => Base64Url.EncodeToString(RandomNumberGenerator.GetBytes(32));
}
