using System.Security.Cryptography;
using System.Text;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;
using Modular.Kernel;

namespace Modular.Identity;

/// <summary>Whether a program may verify and issue keys: it holds the secret <c>ApiKeys:VerifierKey</c>. Nobody does where none is set.</summary>
internal sealed class VerifierKey(IOptions<ApiKeyOptions> options)
{
    private const string Scheme = "Bearer ";

    private readonly byte[]? hash = options.Value.VerifierKey is { } key ? HashOf(key) : null;

    public bool IsSet => hash is not null;

    /// <summary>Takes the same time wherever they differ, and however long what was sent is.</summary>
    public bool IsIn(HttpRequest request) => hash is not null
        && request.Headers.Authorization.ToString() is var sent && sent.StartsWith(Scheme, StringComparison.OrdinalIgnoreCase)
        && CryptographicOperations.FixedTimeEquals(hash, HashOf(sent[Scheme.Length..]));

    private static byte[] HashOf(string key) => SHA256.HashData(Encoding.UTF8.GetBytes(key));
}

/// <summary>Who may call a route for programs.</summary>
internal static class VerifierKeyExtensions
{
    private static readonly Refusal NotAVerifier = Refusal.Unauthorized("unauthorized", "The verifier's key is missing or wrong");

    /// <summary>404 where no key is set, 401 without it.</summary>
    public static RouteHandlerBuilder RequireVerifierKey(this RouteHandlerBuilder route) => route
        .ProducesProblem(StatusCodes.Status401Unauthorized)
        .AddEndpointFilter(async (invocation, next) =>
        {
            var key = invocation.HttpContext.RequestServices.GetRequiredService<VerifierKey>();
            if (!key.IsSet)
                return Refusal.NotFound().ToHttp();
            if (key.IsIn(invocation.HttpContext.Request))
                return await next(invocation);
            invocation.HttpContext.RequestServices.GetRequiredService<RefusedRequests>().Count(RefusedKind.VerifierKey, invocation.HttpContext);
            return NotAVerifier.ToHttp();
        });
}
