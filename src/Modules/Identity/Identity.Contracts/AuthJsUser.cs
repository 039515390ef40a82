namespace Modular.Identity.Contracts;

/// <summary>A user as Auth.js knows one: what its adapter gets, and nothing else.</summary>
/// <param name="Email">Null where the user has none, whatever stands in its place.</param>
/// <param name="EmailVerified">Since when the address is known to be theirs.</param>
public sealed record AuthJsUser(string Id, string? Name, string? Email, DateTimeOffset? EmailVerified, string? Image)
{
    // Domains that can belong to nobody (RFC 2606), under which stands what has to be unique and is no address.
    private static readonly string[] Nowhere = [".anonymous.invalid", ".address.invalid"];

    public static AuthJsUser Of(SessionPrincipal user) =>
        new(user.Id, user.Name.Length == 0 ? null : user.Name, AddressOf(user.Email), user.EmailVerifiedAt, user.Image);

    /// <summary>Null where it only stands in the place of an address.</summary>
    public static string? AddressOf(string email) =>
        Array.Exists(Nowhere, domain => email.EndsWith(domain, StringComparison.Ordinal)) ? null : email;
}
