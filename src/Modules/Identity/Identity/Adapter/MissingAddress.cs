using Modular.Identity.Contracts;

namespace Modular.Identity;

/// <summary>
/// What stands where a user has no e-mail address: addresses are unique, and everything else of ours expects one. In a domain
/// that can belong to nobody (RFC 2606), so no mail is sent to it; applications are told that there is none
/// (<see cref="AuthJsUser"/>, <c>neon_auth.users_sync</c>).
/// </summary>
internal static class MissingAddress
{
    private const string Domain = ".address.invalid";

    public static string Of(string id) => $"none@{id}{Domain}";

    public static bool Is(string email) => email.EndsWith(Domain, StringComparison.Ordinal);
}
