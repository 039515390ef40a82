namespace Modular.Kernel;

/// <summary>How many requests one address may send to a path.</summary>
/// <param name="Pattern">The path below <c>/api/auth</c>; a <c>*</c> at the end stands for anything.</param>
/// <param name="Window">For exact limits: the pause after the last allowed request that ends the count (contract §4).</param>
/// <param name="Max">Allowed requests of one count.</param>
/// <param name="IsExact">Counted once for all nodes, in the database; otherwise by each node for itself, in memory.</param>
internal sealed record RateLimit(string Pattern, TimeSpan Window, int Max, bool IsExact)
{
    /// <summary>
    /// Whatever is no secret. Upstream's 100 are far too few for a back end, which asks about all its users from one
    /// address: a thousand a second, from each address, on each node.
    /// </summary>
    public static readonly RateLimit Default = new("*", TimeSpan.FromSeconds(10), 10_000, IsExact: false);

    /// <summary>
    /// Contract §4, and below it what else compares or sends a secret. Paths of surfaces that are not there yet have
    /// their limit already, so that nobody who adds one can forget it.
    /// </summary>
    public static readonly IReadOnlyList<RateLimit> Table =
    [
        Exact("/sign-in*", 10, 3),
        Exact("/sign-up*", 10, 3),
        Exact("/change-password*", 10, 3),
        Exact("/change-email*", 10, 3),
        Exact("/request-password-reset", 60, 3),
        Exact("/send-verification-email", 60, 3),
        Exact("/forget-password*", 60, 3),
        Exact("/two-factor/*", 10, 3),
        Exact("/sign-in/magic-link*", 60, 5),
        Exact("/magic-link/verify*", 60, 5),
        Exact("/email-otp/*", 60, 3),
        Exact("/sign-in/email-otp", 60, 3),
        Exact("/forget-password/email-otp", 60, 3),

        // Upstream leaves these to its default. They take a password…
        Exact("/verify-password", 10, 3),
        Exact("/delete-user*", 10, 3),
        // …or store a sealed state, or ask a provider, each time…
        Exact("/link-social", 10, 3),
        Local("/passkey/generate-*", 10, 100),
        Exact("/unlink-account", 10, 10),
        Exact("/refresh-token", 10, 10),
        Local("/get-access-token", 10, 100),
        Local("/account-info", 10, 100),
        // …or a token that was sent or shown to somebody, and a mistyped one must not lock its owner out.
        Exact("/reset-password*", 10, 10),
        Exact("/verify-email", 10, 10),
        Exact("/one-time-token/verify", 10, 10),
        Exact("/passkey/verify-*", 10, 10),
        Exact("/api-key/create", 10, 10),
        Exact("/api-key/verify", 10, 10),
        Default,
    ];

    private bool IsPrefix => Pattern.EndsWith('*');

    /// <summary>The most specific rule for a path: an exact one, else the longest prefix. There is always one.</summary>
    public static RateLimit For(string path, IEnumerable<RateLimit> table) => table
        .Where(rule => rule.Covers(path))
        .MaxBy(rule => rule.IsPrefix ? rule.Pattern.Length : int.MaxValue)!;

    private static RateLimit Exact(string pattern, int seconds, int max) => new(pattern, TimeSpan.FromSeconds(seconds), max, IsExact: true);

    private static RateLimit Local(string pattern, int seconds, int max) => new(pattern, TimeSpan.FromSeconds(seconds), max, IsExact: false);

    private bool Covers(string path) => IsPrefix
        ? path.AsSpan().StartsWith(Pattern.AsSpan(..^1), StringComparison.Ordinal)
        : path == Pattern;
}
