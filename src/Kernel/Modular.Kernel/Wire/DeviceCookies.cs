using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;

namespace Modular.Kernel;

/// <summary>Ends what a browser still holds of a user who has just signed in there again; the Sessions module does.</summary>
public interface IDeviceSessions
{
    /// <summary>
    /// Ends those of <paramref name="others"/> that are the same user's as <paramref name="token"/>, and answers which of them
    /// are over, then or before. Never throws: nobody's answer depends on it.
    /// </summary>
    Task<IReadOnlyList<string>> Replace(HttpContext context, string token, IReadOnlyList<string> others);
}

/// <summary>
/// The cookies by which one browser is signed in as several users (contract §7.10): one beside the session's own, named after
/// its token. Only those that we have signed count.
/// </summary>
public sealed class DeviceCookies(SignedCookies cookies, IOptions<AuthOptions> options)
{
    /// <summary>Users of one browser at a time; a further one signs in without being kept beside the others.</summary>
    public const int Most = 5;

    private const string Prefix = SessionCookies.Token + "_multi-";

    /// <summary>The tokens that this browser holds.</summary>
    public IReadOnlyList<string> Read(HttpContext context) => IsOn ? cookies.ReadAll(context, Prefix) : [];

    /// <summary>The token when this browser holds its cookie; null when it does not.</summary>
    public string? Read(HttpContext context, string token) =>
        IsOn && cookies.Read(context, NameOf(token)) is { } held && held == token ? held : null;

    public void Delete(HttpContext context, string token) => cookies.Delete(context, NameOf(token));

    /// <summary>Keeps a session beside the others of this browser, unless it is kept already.</summary>
    public void Add(HttpContext context, string token, TimeSpan? maxAge)
    {
        if (!IsOn || cookies.Read(context, NameOf(token)) is not null)
            return;
        cookies.Set(context, NameOf(token), token, maxAge);
        if (Read(context) is { Count: > 0 } others)
            context.Response.OnStarting(() => MakeRoom(context, token, others));
    }

    /// <summary>The same for one that was given more time.</summary>
    public void Prolong(HttpContext context, string token, TimeSpan? maxAge)
    {
        if (IsOn)
            cookies.Set(context, NameOf(token), token, maxAge);
    }

    private bool IsOn => options.Value.IsOn(AuthGroup.MultiSession);

    // Before the answer goes out, so that whoever has it no longer holds what it replaces.
    private async Task MakeRoom(HttpContext context, string token, IReadOnlyList<string> others)
    {
        var over = await context.RequestServices.GetRequiredService<IDeviceSessions>().Replace(context, token, others);
        foreach (var gone in over)
            Delete(context, gone);
        if (others.Count - over.Count >= Most)
            cookies.Withdraw(context, NameOf(token));
    }

    private static string NameOf(string token) => Prefix + token.ToLowerInvariant();
}
