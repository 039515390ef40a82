namespace Modular.Identity;

/// <summary>Tells somebody by mail that they are asked to join.</summary>
internal sealed class InvitationMail(Mailer mailer)
{
    private const int LongestName = 40;

    public ValueTask Send(Organization organization, Invitation invitation, string baseUrl, OrganizationOptions options) => mailer.SendInvitation(
        invitation.Email, baseUrl, options.InvitationLink(baseUrl, invitation.Id), options.InvitationLifetime, Plain(organization.Name));

    /// <summary>Anybody may found an organization and invite anybody: its name must not become a letter of theirs in our name.</summary>
    internal static string Plain(string name)
    {
        var plain = new string([.. name.Where(character => char.IsLetterOrDigit(character) || character is ' ' or '-' or '&')]).Trim();
        return plain.Length switch { 0 => "an organization", > LongestName => plain[..LongestName].Trim(), _ => plain };
    }
}
